import type { PedidoReadStore } from '../../../apps/entregas/src/listar/store.ts'
import type { LancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import type { FollowerSeams } from '../planted-in-a-follower.ts'
import type { OrdersMeanings } from './orders-database.ts'

/** Where a planted bug stands in for a part of the product, as in `../seams.ts`. */
export type Seams = FollowerSeams &
  OrdersMeanings & {
    registrar?: (real: LancamentoStore['registrar']) => LancamentoStore['registrar']
    reads?: (real: PedidoReadStore) => PedidoReadStore
    /** The delay of a step, in ms. */
    delayMs?: number
  }
