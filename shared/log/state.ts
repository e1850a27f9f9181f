import { codeOf } from '../postgres/failure.ts'
import type { Sql } from '../postgres/sql.ts'
import { run, statement } from '../postgres/statement.ts'

/** What a log is: the epoch in which its positions are valid, and into how many partitions it is split. */
type LogState = { epoca: string; particoes: number }

const STATE = statement('log.state', 'select epoca::text, particoes::int from log_estado')
const UNDEFINED_TABLE = '42P01'

/**
 * Reads what `migrate` wrote at the log's first start. `particoesWanted` (the setting `PARTICOES`) may only confirm it:
 * rejects with an explanation where it asks for another number, since every entry's address depends on it.
 */
export const readLogState = async (sql: Sql, particoesWanted?: number): Promise<LogState> => {
  const rows = await run<LogState>(sql, STATE).catch((error: unknown) => {
    if (codeOf(error) === UNDEFINED_TABLE) return []
    throw error
  })
  const [state] = rows
  if (!state) throw new Error('The log has no state yet: run `npm run migrate` first.')
  if (particoesWanted !== undefined && particoesWanted !== state.particoes) {
    throw new Error(`PARTICOES=${particoesWanted}, but this log was made with ${state.particoes}, which cannot change.`)
  }
  return state
}
