import { createShares } from '@fluxo/shared/shares'

/** Places for open streams of one kind: so many in an instance, of one merchant, and of one order. */
type VagasOptions = { max: number; porComercianteMax: number; porPedidoMax: number }

export type Vagas = {
  /** Takes a place; gives how to give it back, as often as one likes. `undefined` where there is none. */
  ocupar: (quem: { comercianteId: string; pedidoId: string }) => (() => void) | undefined
}

/** 1,000 streams take some 30 MB. Beyond these another instance serves better. */
export const VAGAS_DE_COMERCIANTES: VagasOptions = { max: 2_000, porComercianteMax: 500, porPedidoMax: 20 }
/** The public pages have places of their own, so that no token takes them; a link that went round takes only its order's. */
export const VAGAS_DE_PAGINAS: VagasOptions = { max: 3_000, porComercianteMax: 1_000, porPedidoMax: 100 }

export function createVagas({ max, porComercianteMax, porPedidoMax }: VagasOptions): Vagas {
  const comerciantes = createShares({ max, ownerMax: porComercianteMax })
  const pedidos = createShares({ max, ownerMax: porPedidoMax })
  return {
    ocupar: ({ comercianteId, pedidoId }) => {
      if (!pedidos.take(pedidoId)) return undefined
      if (!comerciantes.take(comercianteId)) {
        pedidos.give(pedidoId)
        return undefined
      }
      let ocupada = true
      return () => {
        if (!ocupada) return
        ocupada = false
        pedidos.give(pedidoId)
        comerciantes.give(comercianteId)
      }
    },
  }
}
