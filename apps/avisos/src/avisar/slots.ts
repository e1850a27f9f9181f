type AttemptSlotsOptions = { totalMax: number; comercianteMax: number; webhookMax: number }

type Holder = { webhookId: string; comercianteId: string }

/** Places for attempts under way: how many there are, who has them, and which webhooks may get none now. */
type AttemptSlots = {
  freeCount: () => number
  takenCount: () => number
  /** How many places each merchant has that has any. */
  perComerciante: () => ReadonlyMap<string, number>
  /** Webhooks that have more attempts under way than one may begin with, or whose receiver rests. */
  blockedWebhooks: (nowMs: number) => string[]
  take: (who: Holder) => void
  /** Gives a place back; true where somebody who found none may look again. */
  release: (who: Holder) => boolean
  /** Nothing more for this webhook until then. */
  rest: (webhookId: string, untilMs: number) => void
  /** Its receiver is well again. */
  wake: (webhookId: string) => void
}

/** Webhooks whose rest is remembered, the latest ones: one that is not is tried, and its open circuit says no. */
const RESTS_MAX = 1_000

/**
 * A merchant has up to `comercianteMax` places. One of its webhooks may take up to `webhookMax` at a time, and again once that many
 * are left: twice as many at most.
 */
export function createAttemptSlots({ totalMax, comercianteMax, webhookMax }: AttemptSlotsOptions): AttemptSlots {
  const perWebhook = new Map<string, number>()
  const perComerciante = new Map<string, number>()
  const rests = new Map<string, number>()
  let total = 0
  const add = (counts: Map<string, number>, chave: string, count: number): number => {
    const sum = (counts.get(chave) ?? 0) + count
    if (sum === 0) counts.delete(chave)
    else counts.set(chave, sum)
    return sum
  }
  return {
    freeCount: () => totalMax - total,
    takenCount: () => total,
    perComerciante: () => perComerciante,
    blockedWebhooks: (nowMs) => {
      for (const [id, until] of rests) if (until <= nowMs) rests.delete(id)
      const full = [...perWebhook].filter(([, count]) => count > webhookMax).map(([id]) => id)
      return [...full, ...rests.keys()]
    },
    take: ({ webhookId, comercianteId }) => {
      total += 1
      add(perWebhook, webhookId, 1)
      add(perComerciante, comercianteId, 1)
    },
    release: ({ webhookId, comercianteId }) => {
      total -= 1
      const ofWebhook = add(perWebhook, webhookId, -1)
      const ofComerciante = add(perComerciante, comercianteId, -1)
      return (
        ofWebhook === 0 || ofWebhook === webhookMax || ofComerciante === comercianteMax - 1 || total === totalMax - 1
      )
    },
    rest: (webhookId, untilMs) => {
      rests.delete(webhookId)
      rests.set(webhookId, untilMs)
      const [oldest] = rests.keys()
      if (rests.size > RESTS_MAX && oldest !== undefined) rests.delete(oldest)
    },
    wake: (webhookId) => void rests.delete(webhookId),
  }
}
