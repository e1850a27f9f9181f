import type { Random } from '../stage/random.ts'
import type { Database, Fault, StepFault } from './faults.ts'

/**
 * Which ways the books may catch up on. `stream-only`: the feed is away until the stream has brought everything, and
 * Redis loses nothing, so no lost delivery is healed by a pull. `feed-only`: Redis is away all the time.
 */
export type Profile = 'everything' | 'stream-only' | 'feed-only'

/** Most faults fall into the work of a burst. */
const AFTER_BURST_MS = 120
/** An instance that had a fault may also be killed, at most this much later. */
const KILLED_WITHIN_MS = 90
/** A step fault hits one of an instance's first 150 calls, about as many as it makes while there is load. */
const CALLS_MAX = 150
/** Or it hits one of the first calls of a given kind, of which some come once in a history and some fifty times. */
const CALLS_OF_A_KIND = [1, 1, 1, 2, 2, 3, 5, 8]
const STEP_FAULTS_MAX = 6
const TIMED_FAULTS_MAX = 4
/** How long what is away stays away. */
const AWAY_MS = { least: 50, most: 900 }

const WHAT: readonly StepFault['what'][] = [
  'abort',
  'lost-request',
  'lost-reply',
  'lost-reply',
  'slow-reply',
  'kill-before',
  'kill-after',
  'kill-after',
]

/** Up to so many calls at which something goes wrong; `onOf` names those that matter to an instance, undefined any. */
export function stepFaults(random: Random, { instances, onOf }: Pick<Surroundings, 'instances' | 'onOf'>): Fault[] {
  return Array.from({ length: random.int(0, STEP_FAULTS_MAX) }, () => {
    const what = random.pick(WHAT)
    const ms = what === 'slow-reply' ? random.int(50, 1_500) : random.int(20, 900)
    const instance = random.pick(instances)
    const on = random.pick(onOf(instance))
    const call = on === undefined ? random.int(1, CALLS_MAX) : random.pick(CALLS_OF_A_KIND)
    return { kind: 'step', instance, on, call, what, ms }
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

const RESTORED: readonly Kind[] = ['postgres-restored', 'postgres-restored', 'postgres-restored']

/** What the faults of a history may fall upon. */
export type Surroundings = {
  profile: Profile
  /** Whom they may befall; one that is named twice twice as often. */
  instances: readonly string[]
  onOf: (instance: string) => readonly (string | undefined)[]
  databases: readonly Database[]
  /** One that may be restored from a backup, where the log that it follows can be read again. */
  restores?: Database | undefined
  /** When requests come together. */
  bursts: readonly number[]
  loadMs: number
}

export function timedFaults(random: Random, surroundings: Surroundings): Fault[] {
  const { profile, instances, databases, restores, bursts, loadMs } = surroundings
  const kinds = [...ALWAYS, ...ALSO[profile], ...(profile === 'everything' && restores ? RESTORED : [])]
  // What goes wrong seldom goes wrong alone: several faults of one instance within a moment.
  const victim = random.chance(0.4) ? random.pick(instances) : undefined
  return Array.from({ length: random.int(0, TIMED_FAULTS_MAX) }, () => {
    const burst = random.pick(bursts) + random.int(0, AFTER_BURST_MS)
    const at = random.chance(0.7) ? Math.min(burst, loadMs) : random.int(0, loadMs)
    const instance = victim ?? random.pick(instances)
    const kind = random.pick(kinds)
    const ms = random.int(AWAY_MS.least, AWAY_MS.most)
    const choice = { at, ms, instance, profile, databases, restores, random }
    const fault = FAULTS[kind](choice)
    if (!random.chance(kind === 'redis-cut' ? 0.5 : 0.2)) return [fault]
    return [fault, FAULTS.kill({ ...choice, at: Math.min(at + random.int(5, KILLED_WITHIN_MS), loadMs) })]
  }).flat()
}

type Choice = Pick<Surroundings, 'profile' | 'databases' | 'restores'> & {
  at: number
  ms: number
  instance: string
  random: Random
}

/** How each kind of fault is made. */
const FAULTS: Readonly<Record<Kind, (choice: Choice) => Fault>> = {
  kill: ({ at, instance, ms }) => ({ kind: 'kill', at, instance, ms }),
  leave: ({ at, instance, ms }) => ({ kind: 'leave', at, instance, ms }),
  // Often longer than an entry may lie unacked: others take over while the paused one still believes in its batch.
  pause: ({ at, instance, random }) => ({ kind: 'pause', at, instance, ms: random.int(100, 2_500) }),
  'lease-cut': ({ at, random }) => ({ kind: 'lease-cut', at, lease: random.pick(['relay', 'relay', 'reparo']) }),
  'postgres-away': ({ at, ms, databases, random }) => {
    return { kind: 'postgres-away', at, database: random.pick(databases), ms }
  },
  'postgres-restored': ({ at, ms, databases, restores, random }) => {
    const database = restores ?? random.pick(databases)
    return { kind: 'postgres-restored', at, database, ms, loseMs: random.pick([100, 300, 800]) }
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
