import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { isAttacker } from './attacker.ts'
import type { Instance } from './instance.ts'
import type { Day, Model } from './model.ts'
import { dayKey } from './model.ts'
import type { Orders } from './orders/orders.ts'
import type { World } from './world.ts'
import { SHARED_DAYS_FROM } from './writes.ts'

type DayRow = { comerciante: string; data: string } & Day

/** Differences named of one look. */
const SHOWN_MAX = 5
const LOOK_EVERY_MS = 100
/** Of the days with one entry, a run has thousands. */
const ALONE_SERVED = 40
const GET_TIMEOUT_MS = 5_000
/** Questions at a time: the wires run in this process, and many at once would keep their own answers waiting. */
const ASKED_AT_ONCE = 4
/** A consolidado looks for a cache that was slow once a second. */
const ASK_AGAIN_MS = 250
const CIRCUIT_TIMEOUT_MS = 30_000

const ledgerDays = (ledger: Sql) => ledger<DayRow[]>`
  select comerciante_id as comerciante, data::text, count(*)::float8 as quantidade,
    coalesce(sum(valor) filter (where tipo = 1), 0)::float8 as creditos,
    coalesce(sum(valor) filter (where tipo = -1), 0)::float8 as debitos
  from lancamentos group by 1, 2`

const balanceDays = (balances: Sql) => balances<DayRow[]>`
  select comerciante_id as comerciante, data::text, quantidade::float8, creditos::float8, debitos::float8
  from saldo join projecao using (geracao)`

const textOf = ({ creditos, debitos, quantidade }: Day): string =>
  `${creditos} credits, ${debitos} debits, ${quantidade} entries`

const differences = (what: string, rows: readonly DayRow[], model: Model): string[] => {
  const ours = rows.filter(({ comerciante }) => !isAttacker(comerciante))
  const found = new Map(ours.map((row) => [dayKey(row.comerciante, row.data), textOf(row)]))
  const expected = new Map([...model.days()].map(([key, day]) => [key, textOf(day)]))
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((key) => found.get(key) !== expected.get(key))
    .map((key) => `${what}, ${key}: ${found.get(key) ?? 'nothing'}, not ${expected.get(key) ?? 'anything'}`)
}

/** The log's end and how far it is applied; a position set aside, or a partition that stands still, is a difference. */
const behind = async ({ postgres }: World): Promise<string[]> => {
  const [head] = await postgres.lancamentos.sql<{ ultima: number; linhas: number }[]>`
    select ultima::float8 as ultima, (select count(*)::float8 from lancamentos) as linhas from posicao`
  const [mark] = await postgres.consolidado.sql<{ ate: number; divergente: string | null; cartas: number }[]>`
    select aplicada_ate::float8 as ate, divergente, (select count(*)::float8 from carta_morta) as cartas
    from inbox_particao`
  const found: string[] = []
  if (head?.ultima !== head?.linhas)
    found.push(`the ledger has ${head?.linhas} rows and its counter says ${head?.ultima}`)
  if (mark?.ate !== head?.ultima) found.push(`applied up to ${mark?.ate} of ${head?.ultima}`)
  if (mark?.divergente) found.push(`the projection stands still: ${mark.divergente}`)
  if (mark?.cartas !== 0) found.push(`${mark?.cartas} events were dead-lettered`)
  return found
}

const isAlone = (key: string): boolean => (key.split(' ')[1] ?? '') < SHARED_DAYS_FROM

/** Asks one consolidado for a day; gives what is wrong with its answer, and whether the cache was asked for it. */
const ask = async (world: World, { name, url }: Instance, key: string, day: Day) => {
  const [comerciante = '', data = ''] = key.split(' ')
  const headers = { Authorization: `Bearer ${await world.token(comerciante)}` }
  const response = await fetch(`${url}/consolidado/${data}`, { headers, signal: AbortSignal.timeout(GET_TIMEOUT_MS) })
  const from = response.headers.get('fluxo-cache') ?? ''
  const body = await response.text()
  const what = `${name}, ${key} (${response.status} ${from})`
  if (response.status !== 200) return { wrong: what, cached: false }
  const { total_creditos, total_debitos, quantidade } = JSON.parse(body)
  const [creditos, debitos] = [Math.round(total_creditos * 100), Math.round(total_debitos * 100)]
  const answered = textOf({ creditos, debitos, quantidade })
  const wrong = answered === textOf(day) ? undefined : `${what}: ${answered}, not ${textOf(day)}`
  return { wrong, cached: ['hit', 'miss'].includes(from) }
}

/**
 * What each consolidado answers for every day that many entries share and the newest of the others, from the cache. Where it passes
 * the cache by, since that was slow a moment ago, it is asked again until its circuit has closed.
 */
const served = async (world: World, model: Model): Promise<string[]> => {
  const found: string[] = []
  const days = [...model.days()]
  const asked = [...days.filter(([key]) => !isAlone(key)), ...days.filter(([key]) => isAlone(key)).slice(-ALONE_SERVED)]
  const deadline = performance.now() + CIRCUIT_TIMEOUT_MS
  for (const instance of world.of('consolidado')) {
    const left = asked.values()
    const askOn = async (): Promise<void> => {
      for (const [key, day] of left) {
        let answer = await ask(world, instance, key, day)
        while (answer.wrong === undefined && !answer.cached && performance.now() < deadline) {
          await delay(ASK_AGAIN_MS)
          answer = await ask(world, instance, key, day)
        }
        if (answer.wrong !== undefined) found.push(answer.wrong)
        else if (!answer.cached) found.push(`${instance.name}, ${key}: the cache is passed by`)
      }
    }
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, askOn))
  }
  return found
}

export type Compared = { world: World; model: Model; orders: Orders }

/** Compares orders, model, ledger, balances and cache once; every difference by merchant and day. Rejects where a server is away. */
const findDifferences = async ({ world, model, orders }: Compared): Promise<string[]> => {
  const { lancamentos, consolidado } = world.postgres
  // Until the orders are at rest, nobody knows what money they come to.
  const unsettled = await orders.differences()
  if (unsettled.length > 0) return unsettled
  const found = [
    ...(await behind(world)),
    ...differences('ledger', await ledgerDays(lancamentos.sql), model),
    ...differences('balances', await balanceDays(consolidado.sql), model),
  ]
  // What is served can only be right once the balances are: no need to ask before.
  return found.length > 0 ? found : served(world, model)
}

/** Looks until nothing differs; gives what still does after `timeoutMs`. */
export const becomesExact = async (compared: Compared, timeoutMs: number): Promise<string[]> => {
  let found: string[] = []
  const isExact = async (): Promise<boolean> => {
    found = await findDifferences(compared).catch((error: unknown) => [String(error)])
    return found.length === 0
  }
  if (await waitUntil(isExact, { timeoutMs, everyMs: LOOK_EVERY_MS })) return []
  const more = found.length > SHOWN_MAX ? [`… ${found.length} differences`] : []
  return [...found.slice(0, SHOWN_MAX), ...more]
}
