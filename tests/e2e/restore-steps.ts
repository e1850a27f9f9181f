import type { Sql } from '@fluxo/shared/postgres/sql'
import { statementsOf } from '../stage/runbook.ts'

/** The statements of docs/operations.md, "Backup and restore", by what they do. */
const documented = statementsOf('## Backup and restore')
export const [withMoney, known] = documented.filter(({ text }) => text.startsWith('copy'))
const updates = documented.filter(({ text }) => /^(update|delete) /.test(text))
/** Step 5, and step 6, its last words apart. */
export const [renewLedger, renewOrders, renewTold] = [updates.slice(0, 4), updates.slice(4, -1), updates.slice(-1)]

/** Runs them, each in its database, as a shell that knows `heads` would. */
export const runSteps = async (
  steps: typeof documented,
  sql: Readonly<Record<'lancamentos' | 'entregas' | 'avisos', Sql>>,
): Promise<void> => {
  const [heads] =
    await sql.lancamentos`select string_agg(format('(%s, %s)', particao, ultima), ', ') as all from posicao`
  for (const { database, text } of steps) {
    await sql[database as keyof typeof sql].unsafe(text.replace('$(heads lancamentos)', String(heads?.['all'])))
  }
}
