import { posicaoOfId } from '@fluxo/shared/stream/keys'

/** What stands in a pending list: whose it is, since when, and how often it was delivered. */
type Delivery = { consumer: string; at: number; count: number }
type Group = {
  /** Last position delivered to anybody. */
  delivered: number
  /** Ascending by position. */
  pending: Map<number, Delivery>
  /** When each consumer was last seen. */
  consumers: Map<string, number>
}
/** A stream whose ids are all `<position>-0`, as ours are. */
export type Stream = { entries: Map<number, string[]>; top: number; groups: Map<string, Group> }

export const idOf = (posicao: number): string => (posicao === 0 ? '0-0' : `${posicao}-0`)
export const emptyStream = (): Stream => ({ entries: new Map(), top: 0, groups: new Map() })

const replyOf = (stream: Stream, posicoes: readonly number[]): [string, string[] | null][] =>
  posicoes.map((posicao) => [idOf(posicao), stream.entries.get(posicao) ?? null])

/** XADD with an id of ours. */
export function add(stream: Stream, posicao: number, fields: string[]): void {
  if (posicao <= stream.top) {
    throw new Error('ERR The ID specified in XADD is equal or smaller than the target stream top item')
  }
  stream.entries.set(posicao, fields)
  stream.top = posicao
}

/** XREADGROUP with `>`: what nobody was given yet. */
export function readNew(stream: Stream, group: Group, consumer: string, count: number, now: number) {
  group.consumers.set(consumer, now)
  const found: number[] = []
  for (const posicao of stream.entries.keys()) {
    if (posicao <= group.delivered) continue
    if (found.length === count) break
    found.push(posicao)
  }
  for (const posicao of found) group.pending.set(posicao, { consumer, at: now, count: 1 })
  group.delivered = found.at(-1) ?? group.delivered
  return replyOf(stream, found)
}

/** XREADGROUP with `0`: what this consumer was given and did not acknowledge; what was deleted meanwhile has no fields. */
export function readOwn(stream: Stream, group: Group, consumer: string, count: number, now: number) {
  group.consumers.set(consumer, now)
  const found: number[] = []
  for (const [posicao, delivery] of group.pending) {
    if (delivery.consumer !== consumer) continue
    if (found.length === count) break
    found.push(posicao)
    if (!stream.entries.has(posicao)) continue
    delivery.at = now
    delivery.count += 1
  }
  return replyOf(stream, found)
}

/** XAUTOCLAIM: a page of what others left, where to go on, and what was deleted, which leaves the pending list here. */
export function autoclaim(stream: Stream, group: Group, claim: Claim) {
  const { consumer, idleMs, from, count, now } = claim
  group.consumers.set(consumer, now)
  const claimed: number[] = []
  const deleted: number[] = []
  const pending = [...group.pending.keys()].filter((posicao) => posicao >= from)
  let left = count
  let at = 0
  for (let attempts = count * ATTEMPTS_PER_ENTRY; attempts > 0 && left > 0 && at < pending.length; attempts -= 1) {
    const posicao = pending[at++]
    const delivery = posicao === undefined ? undefined : group.pending.get(posicao)
    if (posicao === undefined || delivery === undefined) continue
    if (!stream.entries.has(posicao)) {
      group.pending.delete(posicao)
      deleted.push(posicao)
    } else {
      if (now - delivery.at < idleMs) continue
      group.pending.set(posicao, { consumer, at: now, count: delivery.count + 1 })
      claimed.push(posicao)
    }
    left -= 1
  }
  return [idOf(pending[at] ?? 0), replyOf(stream, claimed), deleted.map(idOf)]
}
type Claim = { consumer: string; idleMs: number; from: number; count: number; now: number }
/** Redis looks at ten entries for each that it may give (t_stream.c). */
const ATTEMPTS_PER_ENTRY = 10

/** The extended XPENDING of one consumer. */
export function pendingOf(group: Group, range: PendingRange): [string, string, number, number][] {
  const { first, last, count, consumer, now } = range
  const rows: [string, string, number, number][] = []
  for (const [posicao, delivery] of group.pending) {
    if (rows.length === count) break
    if (posicao < posicaoOfId(first) || posicao > posicaoOfId(last) || delivery.consumer !== consumer) continue
    rows.push([idOf(posicao), delivery.consumer, now - delivery.at, delivery.count])
  }
  return rows
}
type PendingRange = { first: string; last: string; count: number; consumer: string; now: number }

/** XACK: how many of them were pending, whoever had them. */
export function acknowledge(group: Group, ids: readonly string[]): number {
  return ids.filter((id) => group.pending.delete(posicaoOfId(id))).length
}

/** XINFO STREAM, as far as it is read. */
export function info(stream: Stream): unknown[] {
  const last = [...stream.entries].at(-1)
  const entry = last === undefined ? null : [idOf(last[0]), last[1]]
  return ['last-generated-id', idOf(stream.top), 'last-entry', entry]
}
