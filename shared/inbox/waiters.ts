/** Another process may have applied the position: the database is asked this often while anybody waits. */
const POLL_MS = 20

export type AppliedQuery = (pontos: readonly { particao: number; posicao: number }[]) => Promise<boolean[]>

export type Waiters = {
  /** True once the position is applied, false after `timeoutMs`. Rejects with the reason of `signal` when it aborts. */
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
      const [applied] = await query([{ particao, posicao }])
      if (applied === true) return true
      const { promise, resolve, reject } = Promise.withResolvers<boolean>()
      const waiter = { particao, posicao, resolve }
      waiting.add(waiter)
      schedule()
      const late = setTimeout(() => settle(waiter, false), timeoutMs)
      const abort = () => {
        waiting.delete(waiter)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      try {
        return await promise
      } finally {
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
