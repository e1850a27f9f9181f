import type { saldo } from '@fluxo/drizzle/consolidado/schema'
import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import type { Saldo } from '../domain/saldo.ts'

export type DayKey = { comercianteId: string; data: string }

type Row = Omit<typeof saldo.$inferSelect, 'geracao' | 'atualizado_em'> & { atualizado_em: string }

/** Days as they are now in the generation that is being read; a day without entries has no row. */
const READ_DAYS = statement(
  'balances.read-days',
  `
select s.comerciante_id, s.data::text as data, s.creditos::text as creditos, s.debitos::text as debitos,
  s.quantidade::float8 as quantidade, s.versao::float8 as versao,
  to_char(s.atualizado_em at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as atualizado_em
from projecao g
cross join unnest($1::text::text[], $2::text::date[]) as k(comerciante_id, data)
join saldo s on s.geracao = g.geracao and s.comerciante_id = k.comerciante_id and s.data = k.data`,
)

/** Reads the balances of the given days. */
export async function readDays(sql: Sql, days: readonly DayKey[]): Promise<Saldo[]> {
  const chaves = [arrayLiteral(days.map((d) => d.comercianteId)), arrayLiteral(days.map((d) => d.data))]
  const rows = await run<Row>(sql, READ_DAYS, chaves)
  return rows.map((row) => ({
    comercianteId: row.comerciante_id,
    data: row.data,
    creditos: BigInt(row.creditos),
    debitos: BigInt(row.debitos),
    quantidade: row.quantidade,
    versao: row.versao,
    atualizadoEm: row.atualizado_em,
  }))
}
