import type { Clock } from '@fluxo/shared/clock'
import { createLetterStore, lettersAt, passing } from '@fluxo/shared/follow/letter-store'
import { createInbox } from '@fluxo/shared/inbox/inbox'
import { createReadPage, readHead } from '@fluxo/shared/log/pages'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterAll, expect, test } from 'vitest'
import { STATUSES, statusesBefore } from '../../../apps/entregas/src/domain/status.ts'
import type { PlannedPasso } from '../../../apps/entregas/src/fluir/fluir.ts'
import { claimPassos, planningEffect } from '../../../apps/entregas/src/fluir/passo-store.ts'
import { createPedidoReadStore } from '../../../apps/entregas/src/listar/store.ts'
import { EVENTOS } from '../../../apps/entregas/src/mover/evento-table.ts'
import { createPedidoStore } from '../../../apps/entregas/src/mover/store.ts'
import { receberPedido } from '../../../apps/entregas/src/receber/receber.ts'
import { createServiceDatabase, type TestDatabase } from '../../stage/databases.ts'
import { createRandom, type Random } from '../../stage/random.ts'
import { createBench, outcomeOf } from '../servers/bench-fixture.ts'
import { createSimulatedSql } from '../servers/postgres-client.ts'
import { createPostgresServer } from '../servers/postgres-server.ts'
import { ordersStatements } from './orders-database.ts'
import { emptyOrders } from './orders-state.ts'

const STEPS = 400
const PARTICOES = 2
const ORDERS = 12
const DIGITS = 12
const BEGIN_MS = Date.UTC(2026, 10, 21, 12)
type Due = Pick<PlannedPasso, 'recordedAt' | 'delayMs'>
/** A step is due long ago or never: neither server's own clock may decide. */
const DUE: readonly [Due, Due] = [
  { recordedAt: Date.UTC(2020, 0), delayMs: 0 },
  { recordedAt: Date.UTC(2090, 0), delayMs: 864_000_000 },
]
const uuid = (number: number): string => `01a1fbc4-0000-7000-8000-${String(number).padStart(DIGITS, '0')}`
const merchantOf = (order: number): string => `loja-${order % 3}`

let database: TestDatabase | undefined
let pool: Sql | undefined
afterAll(async () => {
  if (pool !== undefined) await closeSql(pool)
  await database?.drop()
})

type Server = { sql: Sql; clock?: Clock; settle: <T>(work: Promise<T>) => Promise<T> }
type Step = (server: Server) => Promise<unknown>

const realServer = async (): Promise<Server> => {
  database = await createServiceDatabase('entregas', { particoes: PARTICOES })
  pool = createSql({ url: database.appUrl, max: 2, name: 'conformance' })
  return { sql: pool, settle: (work) => work }
}

const simulatedServer = (epoca: string): Server => {
  const { scheduler, process, wire, settle } = createBench()
  const nobody = { onEvent: () => {}, onFollowed: () => {}, onLetter: () => {} }
  const state = emptyOrders({ epoca, particoes: PARTICOES, now: () => BEGIN_MS + scheduler.now(), ...nobody })
  const statements = ordersStatements(state)
  const server = createPostgresServer({ scheduler, random: process.random, statements, slowestMs: 10 })
  return { sql: createSimulatedSql({ wire, server, process }).sql, clock: process.clock, settle }
}

const storeOf = ({ sql, clock }: Server) =>
  createPedidoStore({ sql, particoes: PARTICOES, onCommit: () => {}, ...(clock && { clock }) })
const inboxOf = ({ sql, clock }: Server) => createInbox({ sql, effect: planningEffect, clock })

function receive(random: Random, step: number): Step {
  const order = random.int(1, ORDERS)
  const comercianteId = merchantOf(order)
  const input = {
    customerName: 'Ana "ç" \\',
    address: 'Rua A',
    ...(random.chance(0.6) && { valor: BigInt(random.int(1, 3)) }),
    ...(random.chance(0.4) && { referencia: `ref-${random.int(1, 8)}` }),
  }
  const now = new Date(BEGIN_MS + step)
  const pedido = receberPedido(input, { comercianteId, id: uuid(order), now })
  const chave = random.chance(0.5) ? `chave-${random.int(1, 5)}` : undefined
  const eventoId = uuid(1_000 + (random.chance(0.03) ? 1 : step))
  return (server) => storeOf(server).receber({ pedido, eventoId, actor: comercianteId, source: 'api', chave })
}

function move(random: Random, step: number): Step {
  const order = random.int(1, ORDERS + 1)
  const to = random.pick(STATUSES)
  const note = random.chance(0.1)
  const now = new Date(BEGIN_MS + step)
  const source = random.pick(['api', 'correios', 'fluxo'] as const)
  const change = {
    pedidoId: uuid(order),
    comercianteId: random.chance(0.95) ? merchantOf(order) : 'loja-9',
    ...(!note && { to }),
    from: note || random.chance(0.2) ? STATUSES : statusesBefore(to),
    ...(random.chance(0.3) && { versao: random.int(1, 4) }),
    correcao: !note && random.chance(0.1),
    details: { note: 'x', actor: 'quem', source, occurredAt: now },
  }
  const chave = random.chance(0.4) ? `chave-${random.int(1, 30)}` : undefined
  const passo = source === 'fluxo' ? random.int(1, 4) : undefined
  const request = { change, eventoId: uuid(5_000 + step), createdAt: now, chave, passo }
  return (server) => storeOf(server).mover(request)
}

function plan(random: Random): Step {
  const from = random.int(1, 30)
  const particao = random.int(0, PARTICOES - 1)
  const rows = Array.from({ length: random.int(1, 4) }, (_, i): PlannedPasso => {
    const order = random.int(1, ORDERS)
    return {
      posicao: from + i,
      id: uuid(9_000 + from + i),
      pedidoId: uuid(order),
      comercianteId: merchantOf(order),
      seq: random.int(1, 3),
      status: random.pick(STATUSES),
      traceparent: undefined,
      to: random.chance(0.8) ? random.int(0, STATUSES.length - 1) : null,
      ...random.pick(DUE),
    }
  })
  return (server) => inboxOf(server).apply({ particao, epoca: uuid(1), rows })
}

function stepOf(random: Random, step: number): Step {
  const order = random.int(1, ORDERS + 1)
  const particao = random.int(0, PARTICOES - 1)
  const after = random.int(0, 60)
  return random.pick<Step>([
    receive(random, step),
    receive(random, step),
    move(random, step),
    move(random, step),
    move(random, step),
    plan(random),
    async ({ sql }) =>
      (await claimPassos(sql, particao, 100)).sort((a, b) =>
        `${a.pedidoId} ${a.versao}`.localeCompare(`${b.pedidoId} ${b.versao}`),
      ),
    ({ sql }) => createReadPage(sql, EVENTOS)(particao, after, 7),
    ({ sql }) => readHead(sql, particao),
    (server) => inboxOf(server).watermarks(),
    ({ sql }) => createLetterStore(sql).put({ particao, posicao: after + 1, body: '{}', motivo: 'm', tentativas: 1 }),
    (server) => inboxOf(server).pass({ particao, epoca: null, rows: [{ posicao: after + 1, id: null }] }, passing()),
    async ({ sql }) => (await lettersAt(sql, particao, [after, after + 1])).sort((a, b) => a - b),
    ({ sql, clock }) => createPedidoReadStore(sql, clock).byId(merchantOf(order), uuid(order)),
    ({ sql, clock }) => createPedidoReadStore(sql, clock).byChave(merchantOf(order), `chave-${random.int(1, 30)}`),
  ])
}

test('the simulated orders answer as the real ones', async () => {
  const real = await realServer()
  const simulated = simulatedServer((await readHead(real.sql, 0))?.epoca ?? '')
  for (const server of [real, simulated]) await server.settle(inboxOf(server).prepare(PARTICOES))
  const seen = new Set<string>()
  for (let step = 0; step < STEPS; step += 1) {
    const [expected, answered] = await Promise.all(
      [real, simulated].map((server) =>
        outcomeOf(server.settle(stepOf(createRandom(step, 'orders conformance'), step)(server))),
      ),
    )
    expect(answered, `step ${step}`).toEqual(expected)
    seen.add(JSON.stringify(answered, (_, value) => (typeof value === 'bigint' ? String(value) : value)))
  }
  const text = [...seen].join('\n')
  for (const outcome of ['created', 'moved', 'guarded', 'repeated', 'key-conflict', '23505', '"to":', '"novos":2'])
    expect(text).toContain(outcome)
})
