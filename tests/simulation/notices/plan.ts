import { createRandom, type Random } from '../../stage/random.ts'
import { type Profile, type Surroundings, stepFaults, timedFaults } from '../fault-plan.ts'
import type { Fault } from '../faults.ts'
import type { Order } from '../orders/plan.ts'

/** A webhook that a merchant asks for, and how its receiver is: unwell for a while, or gone until its merchant takes it up again. */
export type Hook = {
  at: number
  id: number
  comerciante: string
  eventos: string[] | null
  unwell: { from: number; to: number }
  gone: { from: number; to: number } | undefined
}

/** Everything that happens to this world, decided before it begins. */
export type NoticesPlan = {
  seed: number
  profile: Profile
  particoes: number
  entregas: readonly string[]
  avisos: readonly string[]
  stableNames: boolean
  tellsDeleted: boolean
  /** The automatic flow's delay from an event to the step after it. */
  delayMs: number
  /** Requests and faults fall into this time; then everything comes back and has to come to rest. */
  loadMs: number
  slowestMs: number
  hooks: readonly Hook[]
  orders: readonly Order[]
  faults: readonly Fault[]
}

const LOAD_MS = [1_000, 1_000, 1_800] as const
const ORDERS = { least: 2, most: 6 }
const HOOKS = { least: 1, most: 4 }
const BURST_MS = 60
const UNWELL_MS = { least: 50, most: 900 }
const COMERCIANTES = ['loja-1', 'loja-2', 'loja-3'] as const
const ENTREGAS = ['entregas-1', 'entregas-2'] as const
const AVISOS = ['avisos-1', 'avisos-2'] as const
const ON_ENTREGAS = ['orders.receive', 'orders.move', 'orders.page', 'EVALSHA', undefined]
const ON_AVISOS = [
  ...['inbox.apply', 'inbox.apply', 'deliveries.claim', 'deliveries.note-endings', 'deliveries.note-endings', 'POST'],
  ...['XACK', 'XREADGROUP', 'XAUTOCLAIM', 'GET /eventos', undefined],
]
/** What a webhook may ask for: the orders without saying so, all of them, or one kind. */
const EVENTOS = [null, null, ['order.*'], ['pedido.entregue.v1']]

/** The plan of a seed. */
export function planOf(seed: number): NoticesPlan {
  const random = createRandom(seed, 'notices plan')
  const profile = random.pick<Profile>(['everything', 'everything', 'everything', 'stream-only', 'feed-only'])
  const loadMs = random.pick(LOAD_MS)
  const bursts = [random.int(0, loadMs / 2), random.int(0, loadMs - BURST_MS)]
  const surroundings: Surroundings = {
    profile,
    instances: [...ENTREGAS, ...AVISOS, ...AVISOS, ...AVISOS],
    onOf: (instance) => (instance.startsWith('entregas') ? ON_ENTREGAS : ON_AVISOS),
    databases: ['entregas', 'avisos', 'avisos'],
    restores: 'avisos',
    bursts,
    loadMs,
  }
  return {
    seed,
    profile,
    particoes: random.pick([1, 1, 2]),
    entregas: ENTREGAS,
    avisos: AVISOS,
    stableNames: random.chance(0.5),
    tellsDeleted: random.chance(0.5),
    delayMs: random.pick([0, 30, 150]),
    loadMs,
    slowestMs: random.pick([10, 10, 100, 600]),
    hooks: hooksOf(random, loadMs),
    orders: ordersOf(random, bursts),
    faults: [...stepFaults(random, surroundings), ...timedFaults(random, surroundings)],
  }
}

const hooksOf = (random: Random, loadMs: number): Hook[] =>
  Array.from({ length: random.int(HOOKS.least, HOOKS.most) }, (_, id) => {
    const from = random.int(0, loadMs)
    return {
      // Most are there before anything happens.
      at: random.chance(0.7) ? 0 : random.int(0, loadMs),
      id,
      comerciante: random.pick(COMERCIANTES),
      eventos: random.pick(EVENTOS),
      unwell: { from, to: random.chance(0.4) ? from + random.int(UNWELL_MS.least, UNWELL_MS.most) : from },
      gone: random.chance(0.2) ? { from, to: from + random.int(UNWELL_MS.least, UNWELL_MS.most) } : undefined,
    }
  })

const ordersOf = (random: Random, bursts: readonly number[]): Order[] =>
  Array.from({ length: random.int(ORDERS.least, ORDERS.most) }, (_, id) => ({
    at: random.pick(bursts) + random.int(0, BURST_MS),
    id,
    comerciante: random.pick(COMERCIANTES),
    chave: `pedido-${id}`,
    twice: false,
  }))
