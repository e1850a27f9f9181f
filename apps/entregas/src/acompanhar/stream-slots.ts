import { createShares } from '@fluxo/shared/shares'

/** Places for open streams of one kind: so many in an instance, of one merchant, and of one order. */
type StreamSlotsOptions = { max: number; comercianteMax: number; pedidoMax: number }

export type StreamSlots = {
  /** Takes a place; gives how to give it back, as often as one likes. `undefined` where there is none. */
  take: (who: { comercianteId: string; pedidoId: string }) => (() => void) | undefined
}

/** 1,000 streams take some 30 MB. Beyond these another instance serves better. */
export const COMERCIANTE_SLOTS: StreamSlotsOptions = { max: 2_000, comercianteMax: 500, pedidoMax: 20 }
/** The public pages have places of their own, so that no token takes them; a link that went round takes only its order's. */
export const PAGE_SLOTS: StreamSlotsOptions = { max: 3_000, comercianteMax: 1_000, pedidoMax: 100 }

export function createStreamSlots({ max, comercianteMax, pedidoMax }: StreamSlotsOptions): StreamSlots {
  const comerciantes = createShares({ max, ownerMax: comercianteMax })
  const pedidos = createShares({ max, ownerMax: pedidoMax })
  return {
    take: ({ comercianteId, pedidoId }) => {
      if (!pedidos.take(pedidoId)) return undefined
      if (!comerciantes.take(comercianteId)) {
        pedidos.give(pedidoId)
        return undefined
      }
      let taken = true
      return () => {
        if (!taken) return
        taken = false
        pedidos.give(pedidoId)
        comerciantes.give(comercianteId)
      }
    },
  }
}
