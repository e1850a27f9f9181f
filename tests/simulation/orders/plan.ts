import type { Status } from '../../../apps/entregas/src/domain/status.ts'
import { createRandom, type Random } from '../../stage/random.ts'
import { type Profile, type Surroundings, stepFaults, timedFaults } from '../fault-plan.ts'
import type { Fault } from '../faults.ts'
import { POISONED_MERCHANT } from './orders-database.ts'

/** An order that a merchant places. Without a key it is sent once only. */
export type Order = { at: number; id: number; comerciante: string; cents?: number; chave?: string; twice: boolean }
/** A change that is asked for once the order is known to its merchant; always with a key. */
export type Change = {
  at: number
  id: number
  order: number
  to: Status | 'cancel'
  /** Names the version that the merchant saw last. */
  guarded: boolean
  twice: boolean
}

/** Everything that happens to this world, decided before it begins. */
export type OrdersPlan = {
  seed: number
  profile: Profile
  particoes: number
  entregas: readonly string[]
  lancamentos: readonly string[]
  stableNames: boolean
  tellsDeleted: boolean
  /** The automatic flow's delay from an event to the step after it. */
  delayMs: number
  /** Requests and faults fall into this time; then everything comes back and has to come to rest. */
  loadMs: number
  slowestMs: number
  orders: readonly Order[]
  changes: readonly Change[]
  faults: readonly Fault[]
}

const LOAD_MS = [1_000, 1_000, 1_800] as const
const ORDERS = { least: 3, most: 9 }
const BURST_MS = 60
const COMERCIANTES = ['loja-1', 'loja-2', 'loja-3'] as const
const CENTS_MAX = 50_000
const ENTREGAS = ['entregas-1', 'entregas-2'] as const
const LANCAMENTOS = ['lancamentos-1', 'lancamentos-2'] as const
const ON_ENTREGAS = [
  ...['orders.receive', 'orders.move', 'orders.move', 'orders.page', 'relay.save-cursor'],
  ...['inbox.apply', 'steps.take', 'XACK', 'XREADGROUP', 'XAUTOCLAIM', 'EVALSHA', undefined],
]
const ON_LANCAMENTOS = [
  ...['inbox.apply', 'ledger.append', 'XACK', 'XREADGROUP', 'XAUTOCLAIM', 'GET /eventos', undefined],
]

/** What merchants do to an order beside the flow. */
type Way = 'nothing' | 'cancelled' | 'returned' | 'by hand' | 'anything'
const BY_HAND: readonly Status[] = ['SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED']
const ANY: readonly Status[] = [
  ...(['SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP', 'DELIVERED'] as const),
  ...(['RETURNING', 'RETURNED', 'LOST', 'DAMAGED', 'RECEIVED'] as const),
]

/** The plan of a seed. */
export function planOf(seed: number): OrdersPlan {
  const random = createRandom(seed, 'orders plan')
  const profile = random.pick<Profile>(['everything', 'everything', 'stream-only', 'stream-only', 'feed-only'])
  const loadMs = random.pick(LOAD_MS)
  const bursts = [random.int(0, loadMs / 2), random.int(0, loadMs - BURST_MS)]
  const delayMs = random.pick([0, 30, 30, 150])
  const surroundings: Surroundings = {
    profile,
    instances: [...ENTREGAS, ...ENTREGAS, ...LANCAMENTOS],
    onOf: (instance) => (instance.startsWith('entregas') ? ON_ENTREGAS : ON_LANCAMENTOS),
    databases: ['entregas', 'lancamentos'],
    bursts,
    loadMs,
  }
  const orders = poisoned(createRandom(seed, 'orders poison'), ordersOf(random, bursts))
  return {
    seed,
    profile,
    particoes: random.pick([1, 1, 2]),
    entregas: ENTREGAS,
    lancamentos: LANCAMENTOS,
    stableNames: random.chance(0.5),
    tellsDeleted: random.chance(0.5),
    delayMs,
    loadMs,
    slowestMs: random.pick([10, 10, 100, 600]),
    orders,
    changes: changesOf(random, orders, { delayMs, loadMs }),
    faults: [...stepFaults(random, surroundings), ...timedFaults(random, surroundings)],
  }
}

const ordersOf = (random: Random, bursts: readonly number[]): Order[] =>
  Array.from({ length: random.int(ORDERS.least, ORDERS.most) }, (_, id) => ({
    at: random.pick(bursts) + random.int(0, BURST_MS),
    id,
    comerciante: random.pick(COMERCIANTES),
    ...(random.chance(0.8) && { cents: random.int(1, CENTS_MAX) }),
    ...(random.chance(0.75) && { chave: `pedido-${id}` }),
    twice: random.chance(0.2),
  }))

/** In some histories a merchant is among them whose events the flow cannot apply. */
const poisoned = (random: Random, orders: Order[]): Order[] =>
  random.chance(0.25)
    ? orders.map((order) => (random.chance(0.3) ? { ...order, comerciante: POISONED_MERCHANT } : order))
    : orders

type Pace = { delayMs: number; loadMs: number }

function changesOf(random: Random, orders: readonly Order[], { delayMs, loadMs }: Pace): Change[] {
  let id = 0
  return orders.flatMap((order) => {
    const way = random.pick<Way>(['nothing', 'cancelled', 'returned', 'returned', 'by hand', 'anything'])
    const change = (after: number, to: Change['to'], guarded = false): Change => {
      id += 1
      const at = Math.min(order.at + after + random.int(0, 40), loadMs)
      return { at, id, order: order.id, to, guarded, twice: random.chance(0.25) }
    }
    switch (way) {
      case 'cancelled':
        return [change(random.int(0, 2 * delayMs + 20), 'cancel', random.chance(0.3))]
      case 'returned': {
        // Late enough for the flow to have delivered it, if nothing went wrong.
        const from = 2 * delayMs + random.int(100, 500)
        const back = [50, 150, 300].map((ms) => change(from + ms, 'RETURNED'))
        return [change(from, 'cancel'), ...back]
      }
      case 'by hand':
        return BY_HAND.map((to, i) => change(i * random.int(5, 60), to))
      case 'anything':
        return Array.from({ length: random.int(2, 6) }, () =>
          change(random.int(0, 500), random.pick<Change['to']>(['cancel', ...ANY]), random.chance(0.4)),
        )
      default:
        return []
    }
  })
}
