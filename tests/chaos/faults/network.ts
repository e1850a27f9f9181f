import { setTimeout as delay } from 'node:timers/promises'
import type { CuttingProxy } from '../../stage/cutting-proxy.ts'
import type { Service } from '../../stage/services.ts'
import type { WireName } from '../instance.ts'
import type { World } from '../world.ts'
import { type Aim, type Fault, type Heal, hit } from './fault.ts'

/** Pools whose statements write, by their application_name, as it stands in the startup packet. */
const WRITING_POOLS = {
  lancamentos: ['application_name\0lancamentos\0', 'application_name\0lancamentos lote\0'],
  consolidado: ['application_name\0consolidado\0'],
  entregas: ['application_name\0entregas\0', 'application_name\0entregas fluxo\0'],
  avisos: ['application_name\0avisos\0'],
} as const
const CUT_EVERY_MS = 250
/** Slower than the 50 ms that a cache may take, and near the limits of other calls. */
const LATENCY_MS = [20, 400] as const
/** From a bad telephone line to a slow link. */
const BYTES_PER_SECOND = [4_000, 200_000] as const

const wiresOf = (world: World, aim: Aim, name: WireName): CuttingProxy[] =>
  hit(world, aim).map(({ wires }) => wires[name])

const heal =
  (wires: readonly CuttingProxy[]): Heal =>
  async () => {
    for (const wire of wires) wire.heal()
  }

type Break = (wire: CuttingProxy, aim: Aim) => void

/** Breaks the wires of one kind in one way. */
const onWires =
  (name: WireName, act: Break) =>
  async (world: World, aim: Aim): Promise<Heal> => {
    const wires = wiresOf(world, aim, name)
    for (const wire of wires) act(wire, aim)
    return heal(wires)
  }

/** Loses replies for as long as it lasts, a few a second. */
const cutting =
  (name: WireName, of: (aim: Aim) => readonly string[]) =>
  async (world: World, aim: Aim): Promise<Heal> => {
    const wires = wiresOf(world, aim, name)
    let healed = false
    const going = (async () => {
      for (let i = 0; !healed; i += 1) {
        const texts = of(aim)
        for (const wire of wires) if (!wire.armed()) wire.loseNextReply(texts[i % texts.length])
        await delay(CUT_EVERY_MS)
      }
    })()
    return async () => {
      healed = true
      await going
      await heal(wires)()
    }
  }

const between = ([min, max]: readonly [number, number], share: number): number => min * (max / min) ** share
const late: Break = (wire, { choice }) => wire.shape({ latencyMs: between(LATENCY_MS, choice) })
const slow: Break = (wire, { choice }) => wire.shape({ bytesPerSecond: between(BYTES_PER_SECOND, choice) })
const silent: Break = (wire) => wire.silence()
const reset: Break = (wire) => wire.reset()
const away: Break = (wire, { choice }) => wire.refuse(choice < 0.5 ? 'close' : 'reset')

/** Nothing comes any more from a service whose log another reads, to no instance of the reader. */
const silenceFeeds =
  (reader: Service, asked: Service) =>
  async (world: World): Promise<Heal> => {
    const feeds = world.of(reader).flatMap(({ asks }) => asks[asked] ?? [])
    for (const feed of feeds) feed.silence()
    await world.looking.commands.flushall()
    return heal(feeds)
  }

const OTHER_FAULTS: readonly Fault[] = [
  {
    name: 'cut-commit',
    what: 'the reply of a COMMIT is lost, several times',
    holdMs: [1_500, 4_000],
    hits: 'instances',
    mayHitAll: true,
    inject: cutting('postgres', ({ service }) => WRITING_POOLS[service]),
  },
  {
    name: 'cut-redis-reply',
    what: 'replies of Redis are lost',
    holdMs: [1_500, 4_000],
    hits: 'instances',
    mayHitAll: true,
    inject: cutting('redis', () => ['']),
  },
  {
    name: 'cut-answer',
    what: 'answers of a service to its clients are lost',
    holdMs: [1_500, 4_000],
    hits: 'instances',
    mayHitAll: true,
    inject: cutting('http', () => ['']),
  },
  {
    name: 'ledger-away',
    what: 'no lancamentos reaches its database',
    holdMs: [2_000, 6_000],
    hits: 'one',
    service: 'lancamentos',
    inject: (world, aim) => onWires('postgres', away)(world, { ...aim, all: true }),
  },
  {
    name: 'balances-away',
    what: 'no consolidado reaches its database',
    holdMs: [2_000, 6_000],
    hits: 'one',
    service: 'consolidado',
    inject: (world, aim) => onWires('postgres', away)(world, { ...aim, all: true }),
  },
  {
    name: 'orders-away',
    what: 'no entregas reaches its database',
    holdMs: [2_000, 6_000],
    hits: 'one',
    service: 'entregas',
    inject: (world, aim) => onWires('postgres', away)(world, { ...aim, all: true }),
  },
  {
    name: 'told-away',
    what: 'no avisos reaches its database',
    holdMs: [2_000, 6_000],
    hits: 'one',
    service: 'avisos',
    inject: (world, aim) => onWires('postgres', away)(world, { ...aim, all: true }),
  },
  {
    name: 'redis-away',
    what: 'an instance, or every one of a service, does not reach Redis',
    holdMs: [2_000, 6_000],
    hits: 'instances',
    mayHitAll: true,
    inject: onWires('redis', away),
  },
  {
    name: 'feed-half-open',
    what: 'no consolidado hears from the feed, while Redis is flushed',
    holdMs: [2_000, 5_000],
    hits: 'one',
    service: 'consolidado',
    inject: silenceFeeds('consolidado', 'lancamentos'),
  },
  {
    name: 'order-feed-half-open',
    what: "no lancamentos hears from the orders' feed, while Redis is flushed",
    holdMs: [2_000, 5_000],
    hits: 'one',
    service: 'lancamentos',
    inject: silenceFeeds('lancamentos', 'entregas'),
  },
  {
    name: 'told-feed-half-open',
    what: "no avisos hears from the orders' feed, while Redis is flushed",
    holdMs: [2_000, 5_000],
    hits: 'one',
    service: 'avisos',
    inject: silenceFeeds('avisos', 'entregas'),
  },
]

const SERVERS = ['postgres', 'redis'] as const
const WAYS = [
  [
    'half-open',
    'nothing passes, and neither end hears of it; connections of that time stay so',
    silent,
    [4_000, 8_000],
  ],
  ['latency', 'each packet is 20 to 400 ms late', late, [2_000, 5_000]],
  ['bandwidth', '4 to 200 kB/s', slow, [2_000, 5_000]],
  ['reset', 'every connection is reset', reset, [500, 1_500]],
] as const

/** What happens on the way between a process and its servers. */
export const NETWORK_FAULTS: readonly Fault[] = [
  ...OTHER_FAULTS,
  ...WAYS.flatMap(([way, what, act, holdMs]) =>
    SERVERS.map((server): Fault => {
      const where = server === 'postgres' ? 'PostgreSQL' : 'Redis'
      return {
        name: `${server}-${way}`,
        what: `between an instance, or all of a service, and ${where}: ${what}`,
        holdMs,
        hits: 'instances',
        mayHitAll: true,
        inject: onWires(server, act),
      }
    }),
  ),
]
