export type LugaresOptions = { totalMax: number; porWebhookMax: number }

/** Places for attempts under way: how many there are, and which webhooks may get none now. */
export type Lugares = {
  livres: () => number
  ocupados: () => number
  /** Webhooks that have more attempts under way than one may begin with, or whose target rests. */
  impedidos: (agoraMs: number) => string[]
  ocupar: (webhookId: string) => void
  /** Gives a place back; true where somebody who found none may look again. */
  soltar: (webhookId: string) => boolean
  /** Nothing more for this webhook until then. */
  descansar: (webhookId: string, ateMs: number) => void
  /** Its target is well again. */
  acordar: (webhookId: string) => void
}

/** A webhook may take up to `porWebhookMax` places at a time, and again once that many are left: twice as many at most. */
export function createLugares({ totalMax, porWebhookMax }: LugaresOptions): Lugares {
  const emVoo = new Map<string, number>()
  const descansos = new Map<string, number>()
  let total = 0
  return {
    livres: () => totalMax - total,
    ocupados: () => total,
    impedidos: (agoraMs) => {
      for (const [id, ate] of descansos) if (ate <= agoraMs) descansos.delete(id)
      const cheios = [...emVoo].filter(([, quantos]) => quantos > porWebhookMax).map(([id]) => id)
      return [...cheios, ...descansos.keys()]
    },
    ocupar: (webhookId) => {
      total += 1
      emVoo.set(webhookId, (emVoo.get(webhookId) ?? 0) + 1)
    },
    soltar: (webhookId) => {
      total -= 1
      const quantos = (emVoo.get(webhookId) ?? 1) - 1
      if (quantos === 0) emVoo.delete(webhookId)
      else emVoo.set(webhookId, quantos)
      return quantos === 0 || quantos === porWebhookMax || total === totalMax - 1
    },
    descansar: (webhookId, ateMs) => void descansos.set(webhookId, ateMs),
    acordar: (webhookId) => void descansos.delete(webhookId),
  }
}
