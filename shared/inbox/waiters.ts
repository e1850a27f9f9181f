import { type Clock, systemClock } from '../clock.ts'

/** How often the database is queried while a request waits, since another process may have applied the position. */
const POLL_MS = 20
/** With a timeout of 0 the first query is still waited for, this long at most. */
const FIRST_ANSWER_MS = 1_000

type AppliedQuery = (places: readonly { particao: number; posicao: number }[]) => Promise<boolean[]>

type Waiters = {
  /** True once the position is applied, false after `timeoutMs`, 0 being a question about now. Rejects with the reason of `signal` when it aborts. */
  wait(particao: number, posicao: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>
  /** To be called when a batch was applied in this process. */
  applied(particao: number, posicoes: readonly number[]): void
}

type Waiter = { particao: number; posicao: number; resolve: (applied: boolean) => void }

/**
 * Waits for positions. A batch of this process wakes its waiters at once; polling is the guarantee.
 *
 * One query per tick serves all who wait, so a thousand waiters cost the database what one does. A query that fails is
 * asked again at the next tick: whoever waits has a timeout of its own.
 */
export function createWaiters(query: AppliedQuery, clock: Clock = systemClock): Waiters {
  const waiting = new Set<Waiter>()
  let scheduled = false

  const settle = (waiter: Waiter, applied: boolean) => {
    if (waiting.delete(waiter)) waiter.resolve(applied)
  }
  const tick = async (): Promise<void> => {
    const asked = [...waiting]
    const answers = await query(asked).catch(() => [])
    for (const [i, waiter] of asked.entries()) if (answers[i] === true) settle(waiter, true)
    scheduled = false
    schedule()
  }
  const schedule = () => {
    if (waiting.size === 0 || scheduled) return
    scheduled = true
    clock.after(POLL_MS, () => void tick())
  }

  return {
    wait: async (particao, posicao, { timeoutMs, signal }) => {
      signal?.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<boolean>()
      const waiter = { particao, posicao, resolve }
      // Before the question, not after it: a batch that commits while the question is under way wakes us too.
      waiting.add(waiter)
      let cancel = clock.after(timeoutMs + FIRST_ANSWER_MS, () => settle(waiter, false))
      const began = clock.now()
      query([waiter]).then(([applied]) => {
        if (applied === true) settle(waiter, true)
        if (!waiting.has(waiter)) return
        schedule()
        cancel()
        cancel = clock.after(Math.max(0, timeoutMs - (clock.now() - began)), () => settle(waiter, false))
      }, reject)
      const abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await promise
      } finally {
        waiting.delete(waiter)
        cancel()
        signal?.removeEventListener('abort', abort)
      }
    },
    applied: (particao, posicoes) => {
      if (waiting.size === 0) return
      const known = new Set(posicoes)
      for (const waiter of waiting) {
        if (waiter.particao === particao && known.has(waiter.posicao)) settle(waiter, true)
      }
    },
  }
}
