import { createSearch } from '../search.ts'
import { planOf } from './plan.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runPlan } from './run.ts'

/** The room of lancamentos and consolidado: entries on their way to the balance of a day. */
export const BOOKS = createSearch({
  name: 'books',
  planOf,
  runPlan,
  parts: ['faults', 'reads', 'posts'],
  bugs: PLANTED_BUGS,
})
