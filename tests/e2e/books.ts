import type { Sql } from '@fluxo/shared/postgres/sql'
import { expect } from 'vitest'

type Day = { dia: string; creditos: string; debitos: string; quantidade: string }

/** The sums of the ledger per merchant and day, in cents, by PostgreSQL's own arithmetic. */
const ledgerDays = (ledger: Sql) => ledger<Day[]>`
  select comerciante_id || ' ' || data as dia, count(*)::text as quantidade,
    coalesce(sum(valor) filter (where tipo = 1), 0)::text as creditos,
    coalesce(sum(valor) filter (where tipo = -1), 0)::text as debitos
  from lancamentos group by comerciante_id, data order by 1`

/** What the readers of the consolidado see, in cents. */
const balanceDays = (balances: Sql) => balances<Day[]>`
  select comerciante_id || ' ' || data as dia, quantidade::text, creditos::text, debitos::text
  from saldo where geracao = (select geracao from projecao) order by 1`

/** Asserts that positions have no gaps and that every day's balance is the sum of the ledger; gives the entry count. */
export const expectExactBooks = async (sql: { lancamentos: Sql; consolidado: Sql }): Promise<number> => {
  expect([...(await balanceDays(sql.consolidado))]).toEqual([...(await ledgerDays(sql.lancamentos))])
  return expectGapless(sql.lancamentos)
}

/** Asserts `count(*) = max(posicao) = ultima` in each partition; gives the sum. */
export const expectGapless = async (ledger: Sql): Promise<number> => {
  const rows = await ledger<{ ultima: number; linhas: number; maior: number }[]>`
    select p.ultima::int as ultima, count(l.posicao)::int as linhas, coalesce(max(l.posicao), 0)::int as maior
    from posicao p left join lancamentos l using (particao) group by p.particao, p.ultima`
  for (const { ultima, linhas: rowCount, maior: highest } of rows) expect([rowCount, highest]).toEqual([ultima, ultima])
  return rows.reduce((sum, { ultima }) => sum + ultima, 0)
}
