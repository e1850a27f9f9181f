type LugaresOptions = { totalMax: number; porComercianteMax: number; porWebhookMax: number }

type Quem = { webhookId: string; comercianteId: string }

/** Places for attempts under way: how many there are, who has them, and which webhooks may get none now. */
type Lugares = {
  livres: () => number
  ocupados: () => number
  /** How many places each merchant has that has any. */
  porComerciante: () => ReadonlyMap<string, number>
  /** Webhooks that have more attempts under way than one may begin with, or whose receiver rests. */
  impedidos: (agoraMs: number) => string[]
  ocupar: (quem: Quem) => void
  /** Gives a place back; true where somebody who found none may look again. */
  soltar: (quem: Quem) => boolean
  /** Nothing more for this webhook until then. */
  descansar: (webhookId: string, ateMs: number) => void
  /** Its receiver is well again. */
  acordar: (webhookId: string) => void
}

/** Webhooks whose rest is remembered, the latest ones: one that is not is tried, and its open circuit says no. */
const DESCANSOS_MAX = 1_000

/**
 * A merchant has up to `porComercianteMax` places. One of its webhooks may take up to `porWebhookMax` at a time, and again once that many
 * are left: twice as many at most.
 */
export function createLugares({ totalMax, porComercianteMax, porWebhookMax }: LugaresOptions): Lugares {
  const porWebhook = new Map<string, number>()
  const porComerciante = new Map<string, number>()
  const descansos = new Map<string, number>()
  let total = 0
  const somar = (em: Map<string, number>, chave: string, quantos: number): number => {
    const soma = (em.get(chave) ?? 0) + quantos
    if (soma === 0) em.delete(chave)
    else em.set(chave, soma)
    return soma
  }
  return {
    livres: () => totalMax - total,
    ocupados: () => total,
    porComerciante: () => porComerciante,
    impedidos: (agoraMs) => {
      for (const [id, ate] of descansos) if (ate <= agoraMs) descansos.delete(id)
      const cheios = [...porWebhook].filter(([, quantos]) => quantos > porWebhookMax).map(([id]) => id)
      return [...cheios, ...descansos.keys()]
    },
    ocupar: ({ webhookId, comercianteId }) => {
      total += 1
      somar(porWebhook, webhookId, 1)
      somar(porComerciante, comercianteId, 1)
    },
    soltar: ({ webhookId, comercianteId }) => {
      total -= 1
      const doWebhook = somar(porWebhook, webhookId, -1)
      const doComerciante = somar(porComerciante, comercianteId, -1)
      return (
        doWebhook === 0 ||
        doWebhook === porWebhookMax ||
        doComerciante === porComercianteMax - 1 ||
        total === totalMax - 1
      )
    },
    descansar: (webhookId, ateMs) => {
      descansos.delete(webhookId)
      descansos.set(webhookId, ateMs)
      const [maisVelho] = descansos.keys()
      if (descansos.size > DESCANSOS_MAX && maisVelho !== undefined) descansos.delete(maisVelho)
    },
    acordar: (webhookId) => void descansos.delete(webhookId),
  }
}
