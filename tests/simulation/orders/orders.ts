import { createSearch } from '../search.ts'
import { planOf } from './plan.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runPlan } from './run.ts'

/** The room of entregas and of the ledger that follows it: orders, their steps and their money. */
export const ORDERS = createSearch({
  name: 'orders',
  planOf,
  runPlan,
  parts: ['faults', 'changes', 'orders'],
  bugs: PLANTED_BUGS,
})
