import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { PedidoReadStore } from '../../../apps/entregas/src/listar/store.ts'
import type { LancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import type { RedisHabits } from '../servers/redis-client.ts'
import type { OrdersMeanings } from './orders-database.ts'

/** Where a planted bug stands in for a part of the product, as in `../seams.ts`. */
export type Seams = RedisHabits &
  OrdersMeanings & {
    registrar?: (real: LancamentoStore['registrar']) => LancamentoStore['registrar']
    reads?: (real: PedidoReadStore) => PedidoReadStore
    redis?: (real: RedisConnections, group: string) => RedisConnections
    /** The delay of a step, in ms. */
    delayMs?: number
  }
