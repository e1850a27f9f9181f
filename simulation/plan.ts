import type { Fault, StepFault } from './faults.ts'
import { createRandom, type Random } from './random.ts'
import { CENTAVOS_DO_VENENO, type Veneno } from './veneno.ts'

/**
 * Which ways the books may catch up on. `stream-only`: the feed is away until the stream has brought everything, and
 * Redis loses nothing, so no lost delivery is healed by a pull. `feed-only`: Redis is away all the time.
 */
export type Profile = 'everything' | 'stream-only' | 'feed-only'

/** One request of a client, sent again while it is not answered, if it has a key. */
export type Post = {
  at: number
  id: number
  comerciante: string
  data: string
  centavos: number
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
/** And most faults fall into their work. */
const AFTER_BURST_MS = 120
/** What befalls an instance may be followed by its end. */
const KILLED_WITHIN_MS = 90
const READS_MAX = 12
const COMERCIANTES = ['loja-1', 'loja-2', 'loja-3'] as const
const DATAS = ['2026-11-20', '2026-11-21'] as const
/** Calls that an instance makes while there is load, about: a fault at any one of them, */
const CALLS_MAX = 150
/** or at one of the first of the calls that matter most. */
const CALLS_OF_A_KIND_MAX = 8
const ON_LANCAMENTOS = ['ledger: with lote', 'ledger: select', 'ledger: update', 'EVALSHA', ''] as const
const ON_CONSOLIDADO = ['projection: with lote', 'XACK', 'XREADGROUP', 'XAUTOCLAIM', 'EVALSHA', 'GET', ''] as const
const STEP_FAULTS_MAX = 6
const TIMED_FAULTS_MAX = 4
/** How long what is away stays away. */
const AWAY_MS = { least: 50, most: 900 }
const CENTAVOS_MAX = 50_000
const LANCAMENTOS = ['lancamentos-1', 'lancamentos-2'] as const
const CONSOLIDADO = ['consolidado-1', 'consolidado-2', 'consolidado-3'] as const

type Moments = [number, ...number[]]

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = createRandom(seed, 'plan')
  const profile = random.pick<Profile>(['everything', 'everything', 'stream-only', 'stream-only', 'feed-only'])
  const loadMs = random.pick(LOAD_MS)
  const bursts: Moments = [random.int(0, loadMs - BURST_MS), random.int(0, loadMs - BURST_MS)]
  const consolidado = CONSOLIDADO.slice(0, random.pick([2, 2, 3]))
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
      instance: CONSOLIDADO[random.int(0, consolidado.length - 1)] ?? CONSOLIDADO[0],
      comerciante: random.pick(COMERCIANTES),
      data: random.pick(DATAS),
    })),
    faults: [...stepFaults(random, consolidado), ...timedFaults(random, { profile, consolidado, bursts, loadMs })],
  }
}

function postsOf(random: Random, { bursts, loadMs }: { bursts: Moments; loadMs: number }): Post[] {
  const poisoned = random.chance(0.35)
  return Array.from({ length: random.int(POSTS.least, POSTS.most) }, (_, id) => {
    const veneno = poisoned && random.chance(0.08) ? random.pick<Veneno>(['evento', 'efeito']) : undefined
    return {
      at: random.chance(0.7) ? random.pick(bursts) + random.int(0, BURST_MS) : random.int(0, loadMs),
      id,
      comerciante: random.pick(COMERCIANTES),
      data: random.pick(DATAS),
      centavos: veneno === undefined ? random.int(1, CENTAVOS_MAX) : CENTAVOS_DO_VENENO[veneno],
      ...(random.chance(0.6) && { chave: `chave-${id}` }),
      twice: random.chance(0.15),
    }
  })
}

const WHAT: readonly [StepFault['what'], ...StepFault['what'][]] = [
  'abort',
  'lost-request',
  'lost-reply',
  'lost-reply',
  'slow-reply',
  'kill-before',
  'kill-after',
  'kill-after',
]

function stepFaults(random: Random, consolidado: readonly string[]): Fault[] {
  const instances: [string, ...string[]] = [...LANCAMENTOS, ...consolidado, ...consolidado]
  return Array.from({ length: random.int(0, STEP_FAULTS_MAX) }, () => {
    const what = random.pick(WHAT)
    const ms = what === 'slow-reply' ? random.int(50, 1_500) : random.int(20, 900)
    const instance = random.pick(instances)
    const on = random.pick<string>(instance.startsWith('lancamentos') ? ON_LANCAMENTOS : ON_CONSOLIDADO)
    return { kind: 'step', instance, on, call: random.int(1, on === '' ? CALLS_MAX : CALLS_OF_A_KIND_MAX), what, ms }
  })
}

type Kind = Exclude<Fault['kind'], 'step'>
const ALWAYS: readonly Kind[] = [
  'kill',
  'kill',
  'leave',
  'pause',
  'pause',
  'lease-cut',
  'postgres-away',
  'redis-away',
  'redis-cut',
  'redis-cut',
  'redis-full',
]
/** What may befall the world in each profile beyond that. A stream alone heals only what Redis has kept. */
const ALSO: Readonly<Record<Profile, readonly Kind[]>> = {
  everything: ['redis-restart', 'redis-restart', 'redis-flush', 'group-lost', 'feed-away'],
  'stream-only': ['redis-restart', 'group-lost'],
  'feed-only': ['feed-away'],
}

type Surroundings = { profile: Profile; consolidado: readonly string[]; bursts: Moments; loadMs: number }

function timedFaults(random: Random, { profile, consolidado, bursts, loadMs }: Surroundings): Fault[] {
  const kinds = [...ALWAYS, ...ALSO[profile]]
  const instances: [string, ...string[]] = [...LANCAMENTOS, ...consolidado, ...consolidado]
  // What goes wrong seldom goes wrong alone: several faults of one instance within a moment.
  const victim = random.chance(0.4) ? random.pick(instances) : undefined
  return Array.from({ length: random.int(0, TIMED_FAULTS_MAX) }, () => {
    const burst = random.pick(bursts) + random.int(0, AFTER_BURST_MS)
    const at = random.chance(0.7) ? Math.min(burst, loadMs) : random.int(0, loadMs)
    const instance = victim ?? random.pick(instances)
    const kind = kinds[random.int(0, kinds.length - 1)] ?? 'kill'
    const ms = random.int(AWAY_MS.least, AWAY_MS.most)
    const fault = FAULTS[kind]({ at, ms, instance, profile, random })
    if (!random.chance(kind === 'redis-cut' ? 0.5 : 0.2)) return [fault]
    return [
      fault,
      FAULTS.kill({ at: Math.min(at + random.int(5, KILLED_WITHIN_MS), loadMs), ms, instance, profile, random }),
    ]
  }).flat()
}

type Choice = { at: number; ms: number; instance: string; profile: Profile; random: Random }

/** How each kind of fault is made. */
const FAULTS: Readonly<Record<Kind, (choice: Choice) => Fault>> = {
  kill: ({ at, instance, ms }) => ({ kind: 'kill', at, instance, ms }),
  leave: ({ at, instance, ms }) => ({ kind: 'leave', at, instance, ms }),
  // Often longer than an entry may lie unacked: others take over while the paused one still believes in its batch.
  pause: ({ at, instance, random }) => ({ kind: 'pause', at, instance, ms: random.int(100, 2_500) }),
  'lease-cut': ({ at, random }) => ({ kind: 'lease-cut', at, lease: random.pick(['relay', 'relay', 'reparo']) }),
  'postgres-away': ({ at, ms, random }) => {
    return { kind: 'postgres-away', at, database: random.pick(['lancamentos', 'consolidado']), ms }
  },
  'redis-away': ({ at, ms }) => ({ kind: 'redis-away', at, ms }),
  'redis-restart': ({ at, ms, profile, random }) => {
    return { kind: 'redis-restart', at, ms, loseMs: profile === 'stream-only' ? 0 : random.pick([0, 150, 600]) }
  },
  'redis-flush': ({ at }) => ({ kind: 'redis-flush', at }),
  'redis-cut': ({ at, instance, random }) => {
    return { kind: 'redis-cut', at, instance, connection: random.pick(['comandos', 'cache', 'cache', 'leitor']) }
  },
  'group-lost': ({ at }) => ({ kind: 'group-lost', at }),
  'redis-full': ({ at, random }) => ({ kind: 'redis-full', at, skip: random.int(0, 4) }),
  'feed-away': ({ at, ms }) => ({ kind: 'feed-away', at, ms }),
}
