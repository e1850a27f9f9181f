import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { createLogger } from '../telemetry/logger.ts'
import { type Audience, createAudience, EVENTS_MAX, type LiveEvent, type LiveSource } from './audience.ts'
import { PING } from './frame.ts'

const log = createLogger({ service: 'teste', level: 'silent' })
const topic = '0198a4c2-0000-7000-8000-000000000002'
let audience: Audience | undefined
afterEach(() => audience?.close())

/** An order of `versao` events in a database that can be made to fail. */
const database = () => {
  const state: { versao: number; failure: boolean; valid: Set<string> } = {
    versao: 1,
    failure: false,
    valid: new Set(['t']),
  }
  const source: LiveSource = {
    after: async (_c, _p, seq) => {
      if (state.failure) throw new Error('away')
      return Array.from(
        { length: Math.min(EVENTS_MAX, state.versao - seq) },
        (_, i): LiveEvent => ({ seq: seq + i + 1, event: 'x', data: {} }),
      )
    },
    heads: async () => new Map([[topic, state.versao]]),
    valid: async () => state.valid,
  }
  return { state, source }
}
const open = (source: LiveSource, waits: { pingMs?: number; compareMs?: number } = {}) => {
  audience = createAudience({
    source,
    metric: 'ouvintes',
    log,
    registry: new Registry(),
    pingMs: 60_000,
    compareMs: 60_000,
    ...waits,
  })
  audience.start()
  return audience
}
const listen = (crowd: Audience, { room = Number.POSITIVE_INFINITY, token = 't' } = {}) => {
  const texts: string[] = []
  const one = { texts, ended: false, room, leave: () => {}, goOn: () => {} }
  const joined = crowd.join({
    comercianteId: 'loja',
    topic,
    sentThrough: 0,
    token,
    show: ({ data }) => (data['hidden'] === true ? undefined : data),
    send: (text) => texts.length < one.room && texts.push(text) > 0,
    close: () => {
      one.ended = true
    },
  })
  return Object.assign(one, joined)
}

test('where no stream brings events, a look into the database does', async () => {
  const { state, source } = database()
  const one = listen(open(source, { compareMs: 5 }))
  await waitFor(() => one.texts.length === 1)
  state.versao = 4
  await waitFor(() => one.texts.length === 4)
  expect(one.texts.map((text) => text.split('\n')[0])).toEqual(['id: 1', 'id: 2', 'id: 3', 'id: 4'])
})

test('numbers under which nothing is kept are asked for once, and what follows them is told', async () => {
  const { state, source } = database()
  let reads = 0
  const after: LiveSource['after'] = async (comercianteId, at, seq) => {
    reads += 1
    return source.after(comercianteId, at, Math.max(seq, 1_000))
  }
  state.versao = 1_000
  const crowd = open({ ...source, after })
  const one = listen(crowd)
  for (let i = 0; i < 10; i += 1) await crowd.compare()
  expect(reads).toBeLessThanOrEqual(3)
  state.versao = 1_001
  await crowd.compare()
  expect(one.texts.map((text) => text.split('\n')[0])).toEqual(['id: 1001'])
})

test('a silent stream says that it lives', async () => {
  const one = listen(open(database().source, { pingMs: 5 }))
  await waitFor(() => one.texts.includes(': ping\n\n'))
})

test('a client that reads slowly is waited for, and one that reads nothing between two pings is sent away', async () => {
  const { state, source } = database()
  state.versao = 250
  const crowd = open(source, { pingMs: 100 })
  const one = listen(crowd, { room: 0 })
  for (const room of [1, 120, 121, 251]) {
    one.room = room
    one.goOn()
    await waitFor(() => one.texts.filter((text) => text !== PING).length >= Math.min(room, 250), { what: `${room}` })
  }
  const seqs = one.texts.filter((text) => text !== PING).map((text) => Number(/^id: (\d+)/.exec(text)?.[1]))
  expect([seqs, one.ended]).toEqual([Array.from({ length: 250 }, (_, i) => i + 1), false])
  one.room = 0
  const startedAt = performance.now()
  await waitFor(() => one.ended)
  // One ping that finds no room is no reason yet.
  expect(performance.now() - startedAt).toBeGreaterThan(90)
  expect(crowd.count()).toBe(0)
})

test('a history of many pages is read at once', async () => {
  const { state, source } = database()
  state.versao = 2 * EVENTS_MAX + 1
  const one = listen(open(source))
  await waitFor(() => one.texts.length === state.versao)
})

test('who asked for some events only is told those, across old ones that are no longer kept', async () => {
  const { state, source } = database()
  const after = source.after
  const one = listen(
    open({
      ...source,
      after: async (...asked) =>
        (await after(...asked))
          .filter(({ seq }) => seq > 3)
          .map((each) => ({ ...each, data: { hidden: each.seq === 5 } })),
    }),
  )
  state.versao = 7
  one.goOn()
  await audience?.compare()
  expect(one.texts.map((text) => text.split('\n')[0])).toEqual(['id: 4', 'id: 6', 'id: 7'])
})

test('a stream whose history cannot be read ends, rather than leave a gap', async () => {
  const { state, source } = database()
  state.failure = true
  const one = listen(open(source))
  await waitFor(() => one.ended)
  expect(one.texts).toEqual([])
})

test('a stream ends with the token by which it was opened', async () => {
  const { state, source } = database()
  const crowd = open(source)
  const one = listen(crowd)
  await crowd.compare()
  expect(one.ended).toBe(false)
  state.valid.clear()
  await crowd.compare()
  expect(one.ended).toBe(true)
})

test('whoever has left is told nothing more, and a closed house takes nobody', async () => {
  const { state, source } = database()
  const crowd = open(source)
  const one = listen(crowd)
  await waitFor(() => one.texts.length === 1)
  one.leave()
  one.leave()
  state.versao = 2
  await crowd.compare()
  expect([one.texts.length, crowd.count()]).toEqual([1, 0])
  crowd.close()
  expect(listen(crowd).ended).toBe(true)
})
