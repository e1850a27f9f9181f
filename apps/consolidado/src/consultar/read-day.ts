import { createSingleFlight } from '@fluxo/shared/cache/single-flight'
import type { CacheValue, VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { Unavailable } from '@fluxo/shared/errors'
import { isRejection } from '@fluxo/shared/resilience/rejection'
import { saldoJson, saldoKey } from '../domain/saldo.ts'
import { type BalanceReadStore, isAway } from './store.ts'

/** A day ready to be sent, and where it came from (header `Fluxo-Cache`). */
export type DayAnswer = { versao: number; body: string; source: 'hit' | 'miss' | 'stale' | 'bypass' }

export type DayReader = {
  /** The day from the cache, else from PostgreSQL, else from the cache marked stale. Rejects with `Unavailable` without either. */
  read(comercianteId: string, data: string): Promise<DayAnswer>
  /** The day from PostgreSQL, read after this call began: for who waited for a position. */
  readFromSource(comercianteId: string, data: string, signal?: AbortSignal): Promise<DayAnswer>
}

/** An empty day is cached for one minute only, because there are very many of them. Its first entry replaces it at once. */
const EMPTY_TTL_MS = 60_000

/** The refusal for a database that is away, overloaded or too slow; any other error is a bug and stays itself. */
export const unavailableIfAway = (error: unknown): unknown => {
  if (!isAway(error)) return error
  const seconds = isRejection(error) ? error.retryAfterSeconds : 1
  const message = 'O consolidado está momentaneamente indisponível.'
  return new Unavailable('consolidado-indisponivel', message, seconds, { cause: error })
}

/** How one day is read: from the cache, else from PostgreSQL, else from the cache marked stale. */
export const createDayReader = ({ cache, store }: DayReaderDeps): DayReader => {
  const flights = createSingleFlight<{ versao: number; body: string }>()

  const load = async (comercianteId: string, data: string, signal?: AbortSignal) => {
    const saldo = await store.readDay(comercianteId, data, signal)
    const answer = { versao: saldo.versao, body: saldoJson(saldo) }
    const empty = saldo.quantidade === 0
    // Not waited for: only if newer, so the consumer's write wins whatever the order, and a failure costs the next reader only.
    void cache.fill({ key: saldoKey(comercianteId, data), ...answer, ...(empty && { ttlMs: EMPTY_TTL_MS }) })
    return answer
  }

  const readWithoutCache = async (
    comercianteId: string,
    data: string,
    stored: CacheValue | undefined,
    source: 'miss' | 'bypass',
  ) => {
    try {
      const chave = saldoKey(comercianteId, data)
      return { ...(await flights.run(chave, () => load(comercianteId, data))), source }
    } catch (error) {
      if (stored === undefined || !isAway(error)) throw unavailableIfAway(error)
      return { versao: stored.versao, body: stored.body, source: 'stale' as const }
    }
  }

  const countAnswer = (answer: DayAnswer): DayAnswer => {
    cache.count(answer.source)
    return answer
  }

  return {
    read: async (comercianteId, data) => {
      let stored: CacheValue | undefined
      let source: 'miss' | 'bypass' = 'miss'
      try {
        stored = await cache.get(saldoKey(comercianteId, data))
      } catch {
        source = 'bypass'
      }
      if (!stored?.current) return countAnswer(await readWithoutCache(comercianteId, data, stored, source))
      // The consumer writes the cache before it acks, so a value is current for as long as PostgreSQL can have moved on.
      const available = store.isAvailable()
      const isCurrent: boolean = typeof available === 'boolean' ? available : await available
      return countAnswer({ versao: stored.versao, body: stored.body, source: isCurrent ? 'hit' : 'stale' })
    },
    readFromSource: async (comercianteId, data, signal) => {
      try {
        return countAnswer({ ...(await load(comercianteId, data, signal)), source: 'bypass' })
      } catch (error) {
        throw unavailableIfAway(error)
      }
    },
  }
}

type DayReaderDeps = { cache: VersionedCache; store: BalanceReadStore }
