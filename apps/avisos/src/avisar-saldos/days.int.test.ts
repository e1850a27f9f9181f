import { setTimeout as delay } from 'node:timers/promises'
import { SILENT } from '@fluxo/tests/stage/doors'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEntries, type Entries } from '../../test/entries.ts'
import { claimDays, tellDays } from './day-store.ts'
import { createDayTeller } from './day-teller.ts'
import type { ReadState } from './state-client.ts'

const DAYS = ['consolidado.dia_alterado']
const EVERY_MS = 700

let entries: Entries
beforeEach(async () => {
  entries = await createEntries({ dayEveryMs: EVERY_MS })
})
afterEach(() => entries.close())

type Told = { data: string; posicao: string; versao: number }
const statesTold = async (comercianteId: string): Promise<Told[]> =>
  (await entries.toldTo(comercianteId)).map(({ corpo }) => (JSON.parse(corpo) as { data: Told }).data)
const stateOf: ReadState = async ({ data, particao, posicao }) =>
  JSON.stringify({ data, versao: posicao, posicao: `${particao}:${posicao}` })
const claim = (count = 100) => claimDays(entries.pools[0], { count, perComerciante: 16, underWay: new Map() })
const tell = async (days: Awaited<ReturnType<typeof claim>>) =>
  tellDays(
    entries.pools[0],
    await Promise.all(days.map(async (day) => ({ ...day, state: await stateOf(day, AbortSignal.timeout(1_000)) }))),
    EVERY_MS,
  )

test('two instances tell a day once in its time, and its last change always', async () => {
  await entries.hear('loja', DAYS)
  const tellers = entries.pools.map((sql) =>
    createDayTeller({ sql, readState: stateOf, everyMs: EVERY_MS, onDue: () => {}, log: SILENT }),
  )
  for (const teller of tellers) teller.start?.()
  for (let i = 0; i < 40; i += 1) {
    await entries.note([{ comercianteId: 'loja' }])
    await delay(50)
  }
  await waitFor(async () => (await statesTold('loja')).at(-1)?.versao === 40, { what: 'the last change' })
  await Promise.all(tellers.map((teller) => teller.stop?.()))
  const times = await entries.sql<{ ms: number }[]>`
    select extract(epoch from criado_em)::float8 * 1000 as ms from evento order by seq`
  expect(times.length).toBeGreaterThan(2)
  for (const [i, { ms }] of times.entries())
    if (i > 0) expect(ms - (times[i - 1]?.ms ?? 0)).toBeGreaterThan(EVERY_MS - 2)
})

test('a day that changes while its state is read is told again', async () => {
  await entries.hear('loja', DAYS)
  await entries.note([{ comercianteId: 'loja' }])
  const days = await claim()
  await entries.note([{ comercianteId: 'loja' }])
  await tell(days)
  expect(await claim()).toEqual([])
  await delay(EVERY_MS)
  await tell(await claim())
  expect((await statesTold('loja')).map(({ posicao }) => posicao)).toEqual(['0:1', '0:2'])
  expect(await entries.sql`select from dia_a_avisar where vence_em is not null`).toEqual([])
})

test('whoever has lost a day to another instance does not tell it', async () => {
  await entries.hear('loja', DAYS)
  await entries.note([{ comercianteId: 'loja' }])
  const lost = await claim()
  await entries.sql`update dia_a_avisar set vence_em = now()`
  await tell(await claim())
  await tell(lost)
  expect(await statesTold('loja')).toHaveLength(1)
})

test('a merchant whose every day changes takes its share, and a neighbour’s day is among the first', async () => {
  await entries.hear('cheia', DAYS)
  await entries.hear('vizinha', DAYS)
  const days = Array.from({ length: 400 }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10))
  await entries.note(days.map((data) => ({ comercianteId: 'cheia', data })))
  await entries.note([{ comercianteId: 'vizinha' }])
  const first = await claim()
  expect(first.filter(({ comercianteId }) => comercianteId === 'cheia')).toHaveLength(16)
  expect(first.filter(({ comercianteId }) => comercianteId === 'vizinha')).toHaveLength(1)
  const underWay = new Map([['cheia', 16]])
  expect(await claimDays(entries.pools[1], { count: 100, perComerciante: 16, underWay })).toEqual([])
})

test('while one merchant’s states take long, another’s day is told at once', async () => {
  await entries.hear('lenta', DAYS)
  await entries.hear('vizinha', DAYS)
  const slow = Promise.withResolvers<string>()
  const readState: ReadState = (day, signal) => (day.comercianteId === 'lenta' ? slow.promise : stateOf(day, signal))
  const sql = entries.pools[0]
  const teller = createDayTeller({ sql, readState, everyMs: EVERY_MS, onDue: () => {}, log: SILENT })
  const days = Array.from({ length: 300 }, (_, i) => new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10))
  await entries.note(days.map((data) => ({ comercianteId: 'lenta', data })))
  teller.start?.()
  await waitFor(async () => (await entries.sql`select from dia_a_avisar where vence_em > now()`).length === 16, {
    what: 'the slow merchant to have its share',
  })
  await entries.note([{ comercianteId: 'vizinha' }])
  await waitFor(async () => (await statesTold('vizinha')).length === 1, { what: 'the neighbour’s day' })
  expect(await statesTold('lenta')).toEqual([])
  slow.reject(new Error('enough'))
  await teller.stop?.()
})

test('while consolidado is away days stay due, and are told once it is back', async () => {
  await entries.hear('loja', DAYS)
  let asked = 0
  let answer: ReadState = () => Promise.reject(new TypeError('fetch failed'))
  const readState: ReadState = (day, signal) => {
    asked += 1
    return answer(day, signal)
  }
  const teller = createDayTeller({ sql: entries.pools[0], readState, everyMs: EVERY_MS, onDue: () => {}, log: SILENT })
  teller.start?.()
  await entries.note([{ comercianteId: 'loja' }])
  const claimsEnd = () => entries.sql`update dia_a_avisar set vence_em = now()`
  await waitFor(async () => {
    if (asked < 3) await claimsEnd()
    return asked >= 3
  })
  expect(await statesTold('loja')).toEqual([])
  answer = stateOf
  await claimsEnd()
  await waitFor(async () => (await statesTold('loja')).length === 1, { what: 'the day' })
  expect(await statesTold('loja')).toEqual([{ data: '2025-10-15', versao: 1, posicao: '0:1' }])
  await teller.stop?.()
})
