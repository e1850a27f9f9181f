/** Another process may have applied the position: the database is asked this often while anybody waits. */
const POLL_MS = 20
/** Who does not want to wait wants to know how it stands: the first answer is waited for in any case, and this much longer at most. */
const FIRST_ANSWER_MS = 1_000

export type AppliedQuery = (pontos: readonly { particao: number; posicao: number }[]) => Promise<boolean[]>

export type Waiters = {
  /** True once the position is applied, false after `timeoutMs`, 0 being a question about now. Rejects with the reason of `signal` when it aborts. */
  wait(particao: number, posicao: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>
  /** Tells that a batch was applied in this process. */
  applied(particao: number, posicoes: readonly number[]): void
}

type Waiter = { particao: number; posicao: number; resolve: (applied: boolean) => void }

/**
 * Waits for positions. A batch of this process wakes its waiters at once; polling is the guarantee.
 *
 * One query per tick serves all who wait, so a thousand waiters cost the database what one does. A query that fails is
 * asked again at the next tick: whoever waits has a timeout of its own.
 */
export function createWaiters(query: AppliedQuery): Waiters {
  const waiting = new Set<Waiter>()
  let timer: NodeJS.Timeout | undefined

  const settle = (waiter: Waiter, applied: boolean) => {
    if (waiting.delete(waiter)) waiter.resolve(applied)
  }
  const tick = async (): Promise<void> => {
    const asked = [...waiting]
    const answers = await query(asked).catch(() => [])
    for (const [i, waiter] of asked.entries()) if (answers[i] === true) settle(waiter, true)
    timer = undefined
    schedule()
  }
  const schedule = () => {
    if (waiting.size === 0 || timer !== undefined) return
    timer = setTimeout(() => void tick(), POLL_MS)
  }

  return {
    wait: async (particao, posicao, { timeoutMs, signal }) => {
      signal?.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<boolean>()
      const waiter = { particao, posicao, resolve }
      // Before the question, not after it: a batch that commits while the question is under way wakes us too.
      waiting.add(waiter)
      let late = setTimeout(() => settle(waiter, false), timeoutMs + FIRST_ANSWER_MS)
      const began = performance.now()
      query([waiter]).then(([applied]) => {
        if (applied === true) settle(waiter, true)
        if (!waiting.has(waiter)) return
        schedule()
        clearTimeout(late)
        late = setTimeout(() => settle(waiter, false), Math.max(0, timeoutMs - (performance.now() - began)))
      }, reject)
      const abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await promise
      } finally {
        waiting.delete(waiter)
        clearTimeout(late)
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
