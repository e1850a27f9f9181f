import { EVENTO_FIELD, posicaoOfId } from './keys.ts'

/** One delivered entry: position in the ledger, the event's JSON text and, where it is not the first delivery, how many there were. */
export type Entry = { posicao: number; body: string; attempts?: number }

/**
 * Entries that came together and are applied and acked together.
 *
 * `ids` are the raw stream ids to ack, those of `gaps` included; `gaps` are positions that were pending here while their entry had
 * been deleted from the stream: nobody can deliver them any more, they have to be pulled from the ledger.
 */
export type Batch = { entries: Entry[]; ids: string[]; gaps: number[] }

const EMPTY: Batch = { entries: [], ids: [], gaps: [] }

/** A list of `[id, [field, value, …] | null]` as a batch. An entry without our field gets an empty body, which the handler refuses as poison. */
export function batchOf(list: unknown): Batch {
  if (!Array.isArray(list)) return EMPTY
  const batch: Batch = { entries: [], ids: [], gaps: [] }
  for (const pair of list as ([string, string[] | null] | null)[]) {
    if (pair === null) continue
    const [id, fields] = pair
    batch.ids.push(id)
    if (fields === null) batch.gaps.push(posicaoOfId(id))
    else batch.entries.push({ posicao: posicaoOfId(id), body: bodyOf(fields) })
  }
  return batch
}

/** The batch of an XREADGROUP reply on one stream; empty for nil (BLOCK ran out). */
export function batchOfRead(reply: unknown): Batch {
  if (!Array.isArray(reply)) return EMPTY
  const [stream] = reply as [[string, unknown]?]
  return stream === undefined ? EMPTY : batchOf(stream[1])
}

/**
 * An XAUTOCLAIM reply: what was claimed, where to go on (`0-0` = all seen), and the positions whose entries were deleted while
 * pending. The server has already taken those out of the pending list: no later reply names them.
 */
export function claimOf(reply: unknown): { batch: Batch; cursor: string; deleted: number[] } {
  const [cursor, list, deleted] = reply as [string, unknown, string[]?]
  return { batch: batchOf(list), cursor, deleted: (deleted ?? []).map(posicaoOfId) }
}

/** Deliveries so far by stream id, from the rows of an extended XPENDING. */
export function deliveriesOf(rows: unknown): Map<string, number> {
  const pairs = (rows as [string, string, number, number][]).map(([id, , , count]) => [id, Number(count)] as const)
  return new Map(pairs)
}

/** The value after `name` in a flat `[name, value, name, value, …]` reply (XINFO, also under RESP3 with legacy mapping). */
export function flatField(flat: readonly unknown[], name: string): unknown {
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1]
  return undefined
}

/** The last entry in an XINFO STREAM reply; undefined when the stream is empty. */
export function lastEntryOf(info: readonly unknown[]): { id: string; body: string } | undefined {
  const last = flatField(info, 'last-entry')
  if (!Array.isArray(last)) return undefined
  const [id, fields] = last as [string, string[]]
  return { id, body: bodyOf(fields) }
}

function bodyOf(fields: readonly string[]): string {
  if (fields[0] === EVENTO_FIELD) return fields[1] ?? ''
  return String(flatField(fields, EVENTO_FIELD) ?? '')
}
