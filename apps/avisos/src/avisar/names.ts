import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { type AlvoRule, isLocalhost } from './alvo.ts'
import { createLookupTurns } from './turns.ts'

/** Names that are looked up at once, and those of one merchant. Each is two questions, and a resolver next door (dnsmasq) has 150 in hand. */
const NAMES_MAX = 64
const COMERCIANTE_NAMES_MAX = 8
/** A question without an answer is asked again after this long. */
const QUESTION_MS = 1_500
const QUESTIONS_MAX = 2
/** A name that has told nothing by then tells nothing. */
const NAME_MS = 5_000

/** Answers that say that there is no such name or address: asking again later changes nothing by itself. */
const NOT_FOUND = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])

const LOCALHOST: LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

export type NameLookupOptions = AlvoRule & {
  /** Other name servers than the system's (`address:port`). */
  servers?: readonly string[]
}

/** The addresses of a name; none where it has none. Rejects where nobody knows: no answer in time, or a name server that fails. */
type NameLookup = (name: string, comercianteId: string, signal: AbortSignal) => Promise<LookupAddress[]>

/**
 * Looks names up at the name servers of `/etc/resolv.conf`, over sockets of its own. `dns.lookup` would wait in threads, of which libuv
 * gives names two, and cannot be ended: one silent name server would stand in front of every other name. So `/etc/hosts` and search
 * domains are not looked at; `localhost` is this machine.
 */
export function createNameLookup({ allowsLoopback, servers }: NameLookupOptions): NameLookup {
  const turns = createLookupTurns({ totalMax: NAMES_MAX, comercianteMax: COMERCIANTE_NAMES_MAX })
  return async (name, comercianteId, signal) => {
    if (allowsLoopback && isLocalhost(name)) return LOCALHOST
    const leave = await turns.take(comercianteId, signal)
    // One for each name, since all that a resolver is asked for is cancelled together; making one takes 0.04 ms.
    const resolver = new Resolver({ timeout: QUESTION_MS, tries: QUESTIONS_MAX })
    if (servers !== undefined) resolver.setServers(servers)
    const stop = (): void => resolver.cancel()
    const timer = setTimeout(stop, NAME_MS)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return addressesOf(await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      leave()
    }
  }
}

/** What both questions told. One answer is enough; without any, a failure is not taken for a name that does not exist. */
function addressesOf([v4, v6]: [PromiseSettledResult<string[]>, PromiseSettledResult<string[]>]): LookupAddress[] {
  const found = (answer: PromiseSettledResult<string[]>, family: number): LookupAddress[] =>
    answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : []
  const addresses = [...found(v4, 4), ...found(v6, 6)]
  if (addresses.length > 0) return addresses
  const failure = [v4, v6].find((answer) => answer.status === 'rejected' && !doesNotExist(answer.reason))
  if (failure !== undefined) throw new Error('a name could not be resolved', { cause: failure })
  return []
}

const doesNotExist = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NOT_FOUND.has(String(error.code))
