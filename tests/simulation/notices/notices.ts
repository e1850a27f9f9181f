import { createSearch } from '../search.ts'
import { planOf } from './plan.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runPlan } from './run.ts'

/** The room of avisos, which follows the orders: each event is told to whoever asked for it. */
export const NOTICES = createSearch({
  name: 'notices',
  planOf,
  runPlan,
  parts: ['faults', 'hooks', 'orders'],
  bugs: PLANTED_BUGS,
})
