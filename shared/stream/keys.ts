/** The one field of a stream entry; its value is the event's JSON text: many small fields would cost a parse each. */
export const EVENTO_FIELD = 'e'

/** Key of a partition's stream, e.g. `fluxo:lancamentos:{0}`: the hash tag spreads partitions over Redis Cluster slots. */
export function streamKey(prefix: string, particao: number): string {
  return `${prefix}:{${particao}}`
}

/** Key of a partition's dead-letter stream, in the slot of the partition's stream. */
export function deadLetterKey(prefix: string, particao: number): string {
  return `${prefix}:dlq:{${particao}}`
}

/** Stream id of a position: `<posicao>-0`, so that publishing is idempotent and order is the ledger's. */
export function idOfPosicao(posicao: number): string {
  return `${posicao}-0`
}

/** Position of a stream id: what stands before the dash (exact: positions stay below 2^53). */
export function posicaoOfId(id: string): number {
  const dash = id.indexOf('-')
  return Number(dash === -1 ? id : id.slice(0, dash))
}
