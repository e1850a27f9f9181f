import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Day, Model } from './model.ts'
import { dayKey } from './model.ts'
import type { World } from './world.ts'
import { SHARED_DAYS_FROM } from './writes.ts'

type DayRow = { comerciante: string; data: string } & Day

/** Differences named of one look. */
const SHOWN_MAX = 5
const LOOK_EVERY_MS = 100
/** Of the days with one entry, a run has thousands. */
const ALONE_SERVED = 40
const GET_TIMEOUT_MS = 5_000
/** Questions at a time: the wires run in this process, and hundreds at once would keep their own answers waiting. */
const ASKED_AT_ONCE = 16

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
  const found = new Map(rows.map((row) => [dayKey(row.comerciante, row.data), textOf(row)]))
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

/** What each consolidado answers for every day that many entries share and the newest of the others, from the cache wherever it has it. */
const served = async (world: World, model: Model): Promise<string[]> => {
  const found: string[] = []
  const look = async (name: string, url: string, key: string, day: Day): Promise<void> => {
    const [comerciante = '', data = ''] = key.split(' ')
    const headers = { Authorization: `Bearer ${await world.token(comerciante)}` }
    const response = await fetch(`${url}/consolidado/${data}`, { headers, signal: AbortSignal.timeout(GET_TIMEOUT_MS) })
    const from = response.headers.get('fluxo-cache') ?? ''
    const body = await response.text()
    if (response.status !== 200 || !['hit', 'miss'].includes(from)) {
      found.push(`${name}, ${key}: answered ${response.status} ${from}`)
      return
    }
    const { total_creditos, total_debitos, quantidade } = JSON.parse(body)
    const answered = {
      creditos: Math.round(total_creditos * 100),
      debitos: Math.round(total_debitos * 100),
      quantidade,
    }
    if (textOf(answered) !== textOf(day))
      found.push(`${name}, ${key} (${from}): ${textOf(answered)}, not ${textOf(day)}`)
  }
  const days = [...model.days()]
  const asked = [...days.filter(([key]) => !isAlone(key)), ...days.filter(([key]) => isAlone(key)).slice(-ALONE_SERVED)]
  for (const { name, url } of world.of('consolidado')) {
    const left = asked.values()
    const askOn = async (): Promise<void> => {
      for (const [key, day] of left) await look(name, url, key, day)
    }
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, askOn))
  }
  return found
}

/** Compares model, ledger, balances and cache once; every difference by merchant and day. Rejects where a server is away. */
export const findDifferences = async (world: World, model: Model): Promise<string[]> => {
  const { lancamentos, consolidado } = world.postgres
  const found = [
    ...(await behind(world)),
    ...differences('ledger', await ledgerDays(lancamentos.sql), model),
    ...differences('balances', await balanceDays(consolidado.sql), model),
  ]
  // What is served can only be right once the balances are: no need to ask before.
  return found.length > 0 ? found : served(world, model)
}

/** Looks until nothing differs; gives what still does after `timeoutMs`. */
export const becomesExact = async (world: World, model: Model, timeoutMs: number): Promise<string[]> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await findDifferences(world, model).catch((error: unknown) => [String(error)])
    if (found.length === 0) return []
    if (performance.now() > deadline) {
      const more = found.length > SHOWN_MAX ? [`… ${found.length} differences`] : []
      return [...found.slice(0, SHOWN_MAX), ...more]
    }
    await delay(LOOK_EVERY_MS)
  }
}
