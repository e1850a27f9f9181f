import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { waitUntil } from '../scripts/local/wait-until.ts'
import type { Totals } from './entries.ts'

/** Errors shown of one comparison. */
const DIFFERENCES_MAX = 3
const CATCH_UP_MS = 60_000
const CATCH_UP_POLL_MS = 20
/** Looks in which the counter may not move: longer than any one commit takes. */
const SETTLED_LOOKS = 4

/** Runs `work` with a connection of the bench's own to one database. */
export const withSql = async <T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> => {
  const sql = createSql({ url, max: 1, name: 'bench', statementTimeoutMs: 120_000 })
  try {
    return await work(sql)
  } finally {
    await closeSql(sql)
  }
}

export type LedgerState = { count: number; max: number; ultima: number }

/** How many entries the ledger has, its highest position, and its counter. One partition. */
export const readLedger = (sql: Sql): Promise<LedgerState> =>
  sql<LedgerState[]>`
    select (select count(*) from lancamentos)::float8 as count,
      (select coalesce(max(posicao), 0) from lancamentos)::float8 as max, (select sum(ultima) from posicao)::float8 as ultima
  `.then(([state]) => state ?? { count: 0, max: 0, ultima: 0 })

/** Resolves when the counter has stopped moving: what was asked for is in the ledger, or never will be. */
export const ledgerSettled = (url: string): Promise<void> =>
  withSql(url, async (sql) => {
    let last = -1
    let still = 0
    await waitUntil(
      async () => {
        const [row] = await sql<{ ultima: number }[]>`select sum(ultima)::float8 as ultima from posicao`
        still = row?.ultima === last ? still + 1 : 0
        last = row?.ultima ?? last
        return still === SETTLED_LOOKS
      },
      { timeoutMs: CATCH_UP_MS, everyMs: CATCH_UP_POLL_MS },
    )
  })

/** Nothing lost, nothing twice, no gap: `count(*) = max(posicao) = ultima`. */
export const ledgerErrors = ({ count, max, ultima }: LedgerState): string[] =>
  count === max && max === ultima ? [] : [`count(*) ${count}, max(posicao) ${max} and ultima ${ultima} are not equal`]

/** Answered entries are in the ledger; beyond them only those whose answer the end of a sample cut off. */
export const answeredErrors = (created: number, answered: number, cutOffMax: number): string[] =>
  created >= answered && created <= answered + cutOffMax
    ? []
    : [`${answered} entries were answered with 201, and ${created} are in the ledger`]

type Day = { chave: string; creditos: string; debitos: string; quantidade: string }

const daysOfLedger = (sql: Sql) => sql<Day[]>`
  select comerciante_id || ' ' || data as chave, coalesce(sum(valor) filter (where tipo = 1), 0)::text as creditos,
    coalesce(sum(valor) filter (where tipo = -1), 0)::text as debitos, count(*)::text as quantidade
  from lancamentos group by comerciante_id, data`

/** Days of the generation that is being read. */
const daysOfBalances = (sql: Sql) => sql<Day[]>`
  select comerciante_id || ' ' || data as chave, creditos::text, debitos::text, quantidade::text
  from saldo join projecao using (geracao)`

const textOf = ({ creditos, debitos, quantidade }: Omit<Day, 'chave'>): string =>
  `${creditos} credits, ${debitos} debits, ${quantidade} entries`

/** Where two sets of daily sums differ, the first few days. */
const differences = (
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
  what: string,
): string[] => {
  const keys = new Set([...expected.keys(), ...found.keys()])
  const wrong = [...keys].filter((key) => expected.get(key) !== found.get(key))
  const shown = wrong
    .slice(0, DIFFERENCES_MAX)
    .map((key) => `${what} ${key}: ${found.get(key) ?? 'missing'}, not ${expected.get(key) ?? 'there at all'}`)
  return wrong.length > shown.length ? [...shown, `… ${wrong.length} days differ`] : shown
}

const mapOf = (days: readonly Day[]): Map<string, string> => new Map(days.map((day) => [day.chave, textOf(day)]))

/** Sum of the ledger per merchant and day = consolidado, to the cent. */
export const balanceErrors = async (ledgerUrl: string, balancesUrl: string): Promise<string[]> => {
  const ledger = await withSql(ledgerUrl, daysOfLedger)
  const balances = await withSql(balancesUrl, daysOfBalances)
  return differences(mapOf(ledger), mapOf(balances), 'balance of')
}

/** The balances equal totals that were added up outside the product. */
export const totalsErrors = async (totals: Totals, url: string, side: 'ledger' | 'balances'): Promise<string[]> => {
  const expected = new Map(
    [...totals].map(([key, { creditos, debitos, quantidade }]) => [
      key,
      textOf({ creditos: String(creditos), debitos: String(debitos), quantidade: String(quantidade) }),
    ]),
  )
  const found = await withSql(url, side === 'ledger' ? daysOfLedger : daysOfBalances)
  return differences(expected, mapOf(found), side)
}

/** The watermark: everything up to it is applied. */
export const readApplied = (sql: Sql): Promise<number> =>
  sql<{ ate: number }[]>`select coalesce(sum(aplicada_ate), 0)::float8 as ate from inbox_particao`.then(
    ([row]) => row?.ate ?? 0,
  )

/** Waits until everything in the ledger is applied; says where it stopped when that takes too long. */
export const catchUpErrors = (balancesUrl: string, ultima: number): Promise<string[]> =>
  withSql(balancesUrl, async (sql) => {
    let applied = 0
    const reached = await waitUntil(
      async () => {
        applied = await readApplied(sql)
        return applied === ultima
      },
      { timeoutMs: CATCH_UP_MS, everyMs: CATCH_UP_POLL_MS },
    )
    return reached ? [] : [`aplicada_ate is ${applied} and ultima is ${ultima}`]
  })
