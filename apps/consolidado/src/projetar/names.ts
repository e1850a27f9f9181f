/** Streams of the ledger's events: one per partition, `fluxo:lancamentos:{0}`. The name is the contract with the ledger. */
export const STREAM_PREFIX = 'fluxo:lancamentos'
/** The group that all instances of the consolidado share. */
export const CONSOLIDADO_GROUP = 'consolidado'
/** Prefix of the cached days: `fluxo:consolidado:{<comerciante>}:<data>`. */
export const CACHE_PREFIX = 'fluxo:consolidado'
