import { LOCKS } from '@fluxo/shared/postgres/locks'
/** Streams of the ledger's events: one per partition, `fluxo:lancamentos:{0}`. The name is the contract with the ledger. */
export const STREAM_PREFIX = 'fluxo:lancamentos'
/** The group that all instances of the consolidado share. */
export const CONSOLIDADO_GROUP = 'consolidado'
/** Keys of the lease of repair: the kind of work, and one for all partitions, since one instance repairs them all. */
export const REPAIR_LOCK = [LOCKS.repair, 0] as const
/** Prefix of the cached days: `fluxo:consolidado:{<comerciante>}:<data>`. */
export const CACHE_PREFIX = 'fluxo:consolidado'
