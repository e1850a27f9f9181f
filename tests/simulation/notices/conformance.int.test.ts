import { createInbox } from '@fluxo/shared/inbox/inbox'
import { afterAll, expect, test } from 'vitest'
import {
  AVISO_STATUSES,
  type AvisoEnding,
  disableWebhook,
  noteEndings,
} from '../../../apps/avisos/src/avisar/aviso-store.ts'
import { claimAvisos } from '../../../apps/avisos/src/avisar/claim-store.ts'
import { PEDIDOS, PEDIDOS_INBOX } from '../../../apps/avisos/src/logs/pedidos.ts'
import { createResumeStore } from '../../../apps/avisos/src/retomar/store.ts'
import { createRandom, type Random } from '../../stage/random.ts'
import { waitFor } from '../../stage/wait-for.ts'
import { outcomeOf } from '../servers/bench-fixture.ts'
import { closeServers, realServer, type Server, simulatedServer, sorted } from './conformance-fixture.ts'

const STEPS = 300
const WEBHOOKS = 30
const POSITIONS = 150
const PARTICOES = 2
const DIGITS = 12
const EPOCA = '0a0b0c0d-0000-4000-8000-000000000000'
const MERCHANTS = ['loja-1', 'loja-2', 'loja-3', 'loja-4'] as const
const TYPES = ['pedido.recebido.v1', 'pedido.entregue.v1'] as const
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Both servers' clocks begin here. Every moment below is far from what they decide by. */
const BEGIN_MS = Date.now()
const uuid = (number: number): string => `01a1fbc4-0000-7000-8000-${String(number).padStart(DIGITS, '0')}`

afterAll(closeServers)

type Step = (server: Server) => Promise<unknown>

function note(random: Random): Step {
  const particao = random.int(0, PARTICOES - 1)
  const from = random.int(1, POSITIONS)
  const rows = Array.from({ length: random.int(1, 5) }, (_, i) => {
    const number = (from + i) * PARTICOES + particao
    return {
      posicao: from + i,
      // Now and then one that was noted at another position, as of a log that is read again.
      id: uuid(random.chance(0.05) ? 5 : number),
      comercianteId: MERCHANTS[number % MERCHANTS.length] ?? '',
      tipo: TYPES[number % TYPES.length] ?? '',
      em: new Date(BEGIN_MS - random.pick([0, MINUTE_MS, 2 * DAY_MS, 40 * DAY_MS])).toISOString(),
      corpo: `{"a":"\\\\\\"é ${number}"}`,
      rastro: random.chance(0.5) ? '00-trace' : null,
    }
  })
  return ({ sql, clock }) =>
    createInbox({ sql, effect: PEDIDOS.effect, table: PEDIDOS_INBOX, clock }).apply({ particao, epoca: EPOCA, rows })
}

function endingOf(random: Random, id: string, tentativa: number): AvisoEnding {
  const waitMs = random.pick([undefined, 0, DAY_MS])
  const situacao = waitMs === undefined ? random.pick(AVISO_STATUSES.slice(1)) : 'pending'
  const motivo = random.pick([undefined, 'em pausa'])
  if (random.chance(0.3)) return { id, tentativa, devolver: true, situacao, waitMs, motivo }
  const answer = random.pick([
    { status: 200, error: undefined },
    { status: undefined, error: 'socket "hang" up' },
  ])
  return { id, tentativa, devolver: false, situacao, waitMs, durationMs: 12, answer: 'ok', ...answer }
}

const DELIVERIES_MAX = 1_000
/** All of a merchant's webhooks or none: which of those that fell due together come first is nobody's affair. */
const PER_MERCHANT = WEBHOOKS * DELIVERIES_MAX

/** Takes what is due, but for some webhooks and for merchants whose places are taken, and ends some of it; what was taken before, too. */
function send(random: Random, step: number): Step {
  const limits = {
    count: DELIVERIES_MAX,
    perWebhook: DELIVERIES_MAX,
    perComerciante: PER_MERCHANT,
    underWay: new Map(random.chance(0.3) ? [[random.pick(MERCHANTS), PER_MERCHANT]] : []),
    except: random.chance(0.3) ? [uuid(100_000 + random.int(1, WEBHOOKS))] : [],
  }
  return async ({ sql }) => {
    const claimed = sorted(await claimAvisos(sql, limits), ({ id }) => id)
    const endings = claimed.flatMap(({ id, tentativa }) => {
      const own = createRandom(step, id)
      if (own.chance(0.2)) return []
      return [endingOf(own, id, own.chance(0.1) ? tentativa - 1 : tentativa)]
    })
    if (endings.length > 0) await noteEndings(sql, endings)
    return claimed.map(({ createdAt: _, heldSince, ...one }) => ({ ...one, held: heldSince !== undefined }))
  }
}

function stepOf(random: Random, step: number): Step {
  const webhook = uuid(100_000 + random.int(1, WEBHOOKS))
  const asked = {
    id: webhook,
    comerciante_id: random.pick(MERCHANTS),
    url: `https://loja.example/${step}`,
    eventos: random.pick([null, ['order.*'], [TYPES[1]], ['lancamento.*']]),
    desde: BEGIN_MS + random.pick([-DAY_MS, 0, MINUTE_MS / 2, DAY_MS]),
  }
  return random.pick<Step>([
    note(random),
    note(random),
    note(random),
    send(random, step),
    send(random, step),
    ({ add }) => add(asked),
    ({ sql }) => createResumeStore(sql).resume(random.pick(MERCHANTS), webhook),
    ({ sql }) => (random.chance(0.2) ? disableWebhook(sql, webhook, 'gone') : Promise.resolve()),
  ])
}

test('the simulated notices and deliveries are those of the real statements', async () => {
  const servers = [await realServer(), simulatedServer(BEGIN_MS)] as const
  for (const { sql, clock, settle } of servers)
    await settle(createInbox({ sql, effect: PEDIDOS.effect, table: PEDIDOS_INBOX, clock }).prepare(PARTICOES))
  const seen = new Set<string>()
  for (let step = 0; step < STEPS; step += 1) {
    const [real, simulated] = await Promise.all(
      servers.map(async (server) => {
        const random = createRandom(step, 'notices conformance')
        const outcome = await outcomeOf(server.settle(stepOf(random, step)(server)))
        return { outcome, tables: structuredClone(await server.tables()) }
      }),
    )
    expect(simulated, `step ${step}`).toEqual(real)
    seen.add(JSON.stringify(real))
  }
  const text = [...seen].join('\n')
  const outcomes = ['"novos":2', '"touched":2', '"held":true', '"situacao":3', '"vivo":false', '"tentativa":3']
  expect(outcomes.filter((outcome) => !text.includes(outcome))).toEqual([])
})

test('the numbers of a merchant have no gap where two partitions note at once', async () => {
  const server = await realServer()
  const { sql } = server
  const inbox = createInbox({ sql, effect: PEDIDOS.effect, table: PEDIDOS_INBOX })
  await inbox.prepare(PARTICOES)
  for (const [i, comerciante_id] of MERCHANTS.entries())
    await server.add({ id: uuid(i), comerciante_id, url: 'https://loja.example/', eventos: null, desde: BEGIN_MS })
  const rowsFrom = (from: number, particao: number) =>
    Array.from({ length: 8 }, (_, i) => ({
      posicao: from + i,
      id: uuid(1_000 + (from + i) * PARTICOES + particao),
      // The one in the order of the merchants, the other against it: locks that are taken in two orders would be a deadlock.
      comercianteId: MERCHANTS.at(particao === 0 ? i % MERCHANTS.length : -1 - (i % MERCHANTS.length)) ?? '',
      ...{ tipo: TYPES[0], em: new Date(BEGIN_MS).toISOString(), corpo: '{}', rastro: null },
    }))
  for (let from = 1; from < 200; from += 8)
    await Promise.all([0, 1].map((particao) => inbox.apply({ particao, epoca: EPOCA, rows: rowsFrom(from, particao) })))
  const { listeners, notices } = await server.tables()
  expect(listeners.map(({ ultimo }) => ultimo)).toEqual(MERCHANTS.map(() => 100))
  for (const { comerciante_id, ultimo } of listeners) {
    const numbers = notices.filter((one) => one.comerciante_id === comerciante_id).map(({ seq }) => seq)
    expect(numbers).toEqual(Array.from({ length: ultimo }, (_, i) => i + 1))
  }
})

test('what is noted while a webhook is taken up again is told, also where its statement began before that', async () => {
  const server = await realServer()
  const { sql, owner } = server
  const inbox = createInbox({ sql, effect: PEDIDOS.effect, table: PEDIDOS_INBOX })
  await inbox.prepare(1)
  const [id, comercianteId] = [uuid(1), MERCHANTS[0]]
  await server.add({ id, comerciante_id: comercianteId, url: 'https://loja.example/', eventos: null, desde: BEGIN_MS })
  await disableWebhook(sql, id, 'gone')
  const told = { tipo: TYPES[0], em: new Date(BEGIN_MS + 1).toISOString(), corpo: '{}', rastro: null }
  const held = Promise.withResolvers<void>()
  const holding = Promise.withResolvers<void>()
  const holder = owner.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${PEDIDOS_INBOX.lock}, 0)`
    holding.resolve()
    await held.promise
  })
  await holding.promise
  const waiting = async (count: number): Promise<boolean> =>
    (await owner`select from pg_locks where locktype = 'advisory' and not granted`).length === count
  const applied = inbox.apply({
    particao: 0,
    epoca: EPOCA,
    rows: [{ posicao: 1, id: uuid(2), comercianteId, ...told }],
  })
  await waitFor(() => waiting(1), { what: 'the statement that notes' })
  const resumed = createResumeStore(sql).resume(comercianteId, id)
  await waitFor(() => waiting(2), { what: 'who takes the webhook up again' })
  held.resolve()
  await Promise.all([holder, applied])
  expect(await resumed).toBe(true)
  expect((await server.tables()).deliveries).toMatchObject([{ webhook_id: id, evento_id: uuid(2), waits: true }])
})
