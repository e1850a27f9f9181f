import { createRandom, type Random } from '../../stage/random.ts'
import { type Profile, type Surroundings, stepFaults, timedFaults } from '../fault-plan.ts'
import type { Fault } from '../faults.ts'
import { POISON_CENTS, type Poison } from './poison.ts'

/** One request of a client, sent again while it is not answered, if it has a key. */
export type Post = {
  at: number
  id: number
  comerciante: string
  data: string
  cents: number
  /** Its idempotency key. */
  chave?: string
  /** Sends it twice at once, to two instances. */
  twice: boolean
}
export type Read = { at: number; instance: string; comerciante: string; data: string }

/** Everything that happens to the world, decided before it begins: what shrinking takes away from. */
export type Plan = {
  seed: number
  profile: Profile
  particoes: number
  lancamentos: readonly string[]
  consolidado: readonly string[]
  lanes: number
  countMax: number
  stableNames: boolean
  tellsDeleted: boolean
  /** Requests and faults fall into this time; then everything comes back and has to come to rest. */
  loadMs: number
  /** What the slowest statements of PostgreSQL take. */
  slowestMs: number
  posts: readonly Post[]
  reads: readonly Read[]
  faults: readonly Fault[]
}

/** Some histories are long enough for what happens once a second to happen twice. */
const LOAD_MS = [1_000, 1_000, 1_000, 2_300] as const
const POSTS = { least: 8, most: 32 }
/** Most requests come together: then batches are whole and overlap. */
const BURST_MS = 60
const READS_MAX = 12
const COMERCIANTES = ['loja-1', 'loja-2', 'loja-3'] as const
const DATAS = ['2026-11-20', '2026-11-21'] as const
const ON_LANCAMENTOS = ['ledger.append', 'ledger.page', 'relay.look', 'relay.save-cursor', 'EVALSHA', undefined]
const ON_CONSOLIDADO = [
  ...['inbox.apply', 'inbox.apply', 'letters.put'],
  ...['XACK', 'XREADGROUP', 'XAUTOCLAIM', 'EVALSHA', 'GET /eventos', undefined],
]
const CENTS_MAX = 50_000
const LANCAMENTOS = ['lancamentos-1', 'lancamentos-2'] as const
const CONSOLIDADO = ['consolidado-1', 'consolidado-2', 'consolidado-3'] as const

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = createRandom(seed, 'plan')
  const profile = random.pick<Profile>(['everything', 'everything', 'stream-only', 'stream-only', 'feed-only'])
  const loadMs = random.pick(LOAD_MS)
  const bursts = [random.int(0, loadMs - BURST_MS), random.int(0, loadMs - BURST_MS)]
  const consolidado = CONSOLIDADO.slice(0, random.pick([2, 2, 3]))
  const surroundings: Surroundings = {
    profile,
    instances: [...LANCAMENTOS, ...consolidado, ...consolidado],
    onOf: (instance) => (instance.startsWith('lancamentos') ? ON_LANCAMENTOS : ON_CONSOLIDADO),
    databases: ['lancamentos', 'consolidado'],
    bursts,
    loadMs,
  }
  return {
    seed,
    profile,
    particoes: random.pick([1, 1, 1, 2]),
    lancamentos: LANCAMENTOS,
    consolidado,
    lanes: random.pick([1, 1, 2]),
    countMax: random.pick([2, 5, 20]),
    stableNames: random.chance(0.5),
    tellsDeleted: random.chance(0.5),
    loadMs,
    slowestMs: random.pick([10, 10, 100, 1_500]),
    posts: postsOf(random, { bursts, loadMs }),
    reads: Array.from({ length: random.int(0, READS_MAX) }, () => ({
      at: random.int(0, loadMs),
      instance: random.pick(consolidado),
      comerciante: random.pick(COMERCIANTES),
      data: random.pick(DATAS),
    })),
    faults: [...stepFaults(random, surroundings), ...timedFaults(random, surroundings)],
  }
}

function postsOf(random: Random, { bursts, loadMs }: { bursts: readonly number[]; loadMs: number }): Post[] {
  const poisoned = random.chance(0.35)
  return Array.from({ length: random.int(POSTS.least, POSTS.most) }, (_, id) => {
    const poison = poisoned && random.chance(0.08) ? random.pick<Poison>(['evento', 'efeito']) : undefined
    return {
      at: random.chance(0.7) ? random.pick(bursts) + random.int(0, BURST_MS) : random.int(0, loadMs),
      id,
      comerciante: random.pick(COMERCIANTES),
      data: random.pick(DATAS),
      cents: poison === undefined ? random.int(1, CENTS_MAX) : POISON_CENTS[poison],
      ...(random.chance(0.6) && { chave: `chave-${id}` }),
      twice: random.chance(0.15),
    }
  })
}
