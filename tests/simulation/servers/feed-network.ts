import type { Random } from '../../stage/random.ts'
import type { Process } from '../process.ts'
import type { Line, Wire } from './wire.ts'

/** The way from those who follow a log to its feed. */
type FeedNetwork = {
  ask(asking: Process, url: string): Promise<Response>
  setUp(up: boolean): void
}

/** An instance that answers pages of its log. */
type Source = {
  readonly process: Process
  feed: (particao: number, after: number, limit: number) => Promise<string>
}

type FeedNetworkDeps = { wire: Wire; random: Random; sources: () => readonly Source[] }

const unreachable = (): Error => new TypeError('fetch failed')

/** Requests go to one of the living instances, as a balancer sends them, and end with it. */
export function createFeedNetwork({ wire, random, sources }: FeedNetworkDeps): FeedNetwork {
  const lines = new Map<Process, Line>()
  let up = true
  return {
    setUp: (is) => {
      up = is
    },
    ask: async (asking, url) => {
      const line = lines.get(asking) ?? wire.line({ process: asking, ordered: false, broken: unreachable })
      lines.set(asking, line)
      const asked = new URL(url).searchParams
      const number = (name: string): number => Number(asked.get(name))
      const text = await wire.send<string>({
        line,
        what: 'GET /eventos',
        up: () => up && sources().length > 0,
        refusal: unreachable,
        execute: (reply) => {
          const alive = sources()
          const target = alive[random.int(0, alive.length - 1)]
          target?.process.onEnd(() => reply({ error: unreachable() }))
          target
            ?.feed(number('particao'), number('depois_de'), number('limite'))
            .then((value) => reply({ value }))
            .catch((error: Error) => reply({ error }))
        },
      })
      // All that the feed's client reads of a response; a real one costs more than the rest of the page.
      return { ok: true, json: async () => JSON.parse(text) } as Response
    },
  }
}
