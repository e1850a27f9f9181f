import type { Applied, Inbox, Positioned, Refusal } from '../inbox/inbox.ts'
import type { EventRead } from '../log/event.ts'
import { halving, isPoison, reasonOf } from '../postgres/isolate.ts'
import { divergenceOf } from '../repair/decide-repair.ts'
import type { Logger } from '../telemetry/logger.ts'
import { traceIdOf } from '../telemetry/trace-context.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { type BatchTrace, startBatch } from '../telemetry/tracing-batch.ts'
import type { KeepLetter } from './dead-letters.ts'
import type { Commit, CountEvents, Group, Origin } from './group.ts'
import { passing } from './letter-store.ts'
import type { Stops } from './stops.ts'

/** An event that arrived, how often it was delivered, and as it came: its JSON text from a stream, parsed from the log. */
type Arrived<Row> = { posicao: number; attempts: number; read: EventRead<Row>; evento: unknown }

/** A batch of one partition, by the way it came. */
type ArrivedBatch<Row> = { particao: number; origin: Origin; arrived: readonly Arrived<Row>[] }

/** Applies what arrived. Resolves when all of it is durable or kept as a dead letter; rejects where that cannot be now. */
export type Apply<Row> = (batch: ArrivedBatch<Row>, trace?: BatchTrace) => Promise<void>

export type ApplyDeps<Row extends Positioned, Touched> = {
  group: Group<Row, Touched>
  inbox: Inbox<Row, Touched>
  keep: KeepLetter
  stops: Stops
  /** The epoch of the log now. Rejects where the log is away. */
  epochOf: (particao: number) => Promise<string>
  count: CountEvents
  log: Logger
  tracing?: Tracing | undefined
}

/** The rows of a batch that are of one epoch. */
type EpochRows<Row> = { particao: number; origin: Origin; epoca: string; rows: readonly Row[] }

/** Why rows cannot be applied, by their positions. */
type Reasons = Map<number, string>

/** Applies what arrived, epoch by epoch, with what cannot be applied isolated from the rest of its batch. */
export function createApply<Row extends Positioned, Touched>(deps: ApplyDeps<Row, Touched>): Apply<Row> {
  const { log, tracing } = deps
  const apply: Apply<Row> = async (batch, trace) => {
    const { particao, origin, arrived } = batch
    const reasons: Reasons = new Map()
    const byEpoch = new Map<string, Row[]>()
    for (const { posicao, read } of arrived) {
      if (read.outcome === 'unreadable') reasons.set(posicao, read.reason)
      else {
        const rows = byEpoch.get(read.epoca)
        if (rows === undefined) byEpoch.set(read.epoca, [read.row])
        else rows.push(read.row)
      }
    }
    for (const [epoca, rows] of byEpoch) await applyEpoch(deps, { particao, origin, epoca, rows }, reasons, trace)
    if (reasons.size > 0) await bury(deps, batch, reasons)
    if (log.isLevelEnabled('debug')) logTraces(deps, batch)
  }
  return tracing === undefined ? apply : traced(tracing, deps.group, apply)
}

/** Applies rows of one epoch; notes why where one can never be. */
async function applyEpoch<Row extends Positioned, Touched>(
  deps: ApplyDeps<Row, Touched>,
  of: EpochRows<Row>,
  reasons: Reasons,
  trace: BatchTrace | undefined,
): Promise<void> {
  const { particao, origin, epoca, rows } = of
  const { inbox, stops, count } = deps
  const { before, committed, spans } = deps.group
  const good = before === undefined ? rows : await withoutRefused(deps, before, of, reasons)
  const ended = spans && trace?.step(spans.apply)
  const applied: Applied<Touched>[] = []
  const work = async (some: readonly Row[]): Promise<void> => {
    const outcome = await inbox.apply({ particao, epoca, rows: some })
    if (outcome.outcome !== 'applied') return refused(deps, of, some.length, outcome)
    stops.moved(particao)
    applied.push(outcome)
  }
  for (const part of await halving(good, work, isPoison)) {
    if (part.outcome === 'at-fault') reasons.set(part.row.posicao, reasonOf(part.error))
  }
  ended?.()
  if (applied.length === 0) return
  const commit = commitOf({ particao, origin, rows: good }, applied)
  count('applied', commit.applied, of)
  count('repeated', commit.repeated, of)
  if (committed === undefined) return
  const told = spans && trace?.step(spans.committed)
  await committed(commit)
  told?.()
}

/** What the parts of a batch did, together. */
export function commitOf<Row, Touched>(
  of: Pick<Commit<Row, Touched>, 'particao' | 'origin' | 'rows'>,
  parts: readonly Applied<Touched>[],
): Commit<Row, Touched> {
  const commit = { ...of, applied: 0, repeated: 0, touched: [] as Touched[] }
  for (const { novos, repetidos, touched } of parts) {
    commit.applied += novos
    commit.repeated += repetidos
    if (touched !== undefined) commit.touched.push(touched)
  }
  return commit
}

/** What comes before the inbox is not done for rows that the inbox would refuse, those of another log. */
async function withoutRefused<Row extends Positioned, Touched>(
  { inbox }: ApplyDeps<Row, Touched>,
  before: NonNullable<Group<Row>['before']>,
  { particao, epoca, rows }: EpochRows<Row>,
  reasons: Reasons,
): Promise<readonly Row[]> {
  const watermark = (await inbox.watermarks()).find((one) => one.particao === particao)
  const eventos = rows.map(({ posicao, id }) => ({ posicao, evento: { id } }))
  const page = { epoca, ultima: Number.MAX_SAFE_INTEGER, eventos }
  if (watermark === undefined || watermark.divergente !== null || divergenceOf(watermark, page) !== undefined)
    return rows
  const refused = await before(particao, rows)
  for (const { posicao, reason } of refused) reasons.set(posicao, reason)
  return refused.length === 0 ? rows : rows.filter(({ posicao }) => !reasons.has(posicao))
}

/**
 * A refusal of the inbox. Events of a former log (left in a stream after a restore) are dropped once the log itself says that
 * the inbox follows the present one; anything else stops the partition.
 */
async function refused<Row extends Positioned, Touched>(
  { group: { group }, inbox, stops, epochOf, count, log }: ApplyDeps<Row, Touched>,
  { particao, origin, epoca }: EpochRows<Row>,
  events: number,
  refusal: Refusal,
): Promise<void> {
  if (refusal.outcome === 'epoca-divergente' && (await epochOf(particao)) === refusal.epoca) {
    count('dropped', events, { particao, origin })
    log.warn({ group, particao, epoca }, 'events of a log that is no more are dropped')
    return
  }
  const reason = refusal.divergente ?? refusal.outcome
  if (refusal.outcome === 'id-divergente') await inbox.stop(particao, reason)
  stops.stopped(particao, reason)
  throw new Error(`${group} stands still in partition ${particao}: ${reason}`)
}

/**
 * Keeps what cannot be applied, each with its reason, before anybody acknowledges it. Only an answer of the log lets the watermark
 * pass such a position: what a stream delivers may be damaged or forged, so from there it stays a hole, and repair asks the log.
 */
async function bury<Row extends Positioned, Touched>(
  { group, inbox, keep, count }: ApplyDeps<Row, Touched>,
  { particao, origin, arrived }: ArrivedBatch<Row>,
  reasons: Reasons,
): Promise<void> {
  const dead = arrived.filter(({ posicao }) => reasons.has(posicao))
  for (const { posicao, attempts, evento } of dead) {
    const body = typeof evento === 'string' ? evento : JSON.stringify(evento)
    await keep({ particao, posicao, body, motivo: reasons.get(posicao) ?? '', tentativas: attempts })
  }
  count('kept', dead.length, { particao, origin })
  if (origin === 'stream') return
  const rows = dead.map(({ posicao }) => ({ posicao, id: null }))
  await inbox.pass({ particao, epoca: null, rows }, passing(group.inbox))
}

/** Ties what became of an event to the request that made its row (W3C trace context). */
function logTraces<Row extends Positioned, Touched>(
  { group: { group }, log }: ApplyDeps<Row, Touched>,
  { particao, arrived }: ArrivedBatch<Row>,
): void {
  for (const { posicao, read } of arrived) {
    if (read.outcome === 'unreadable' || read.traceparent === undefined) continue
    log.debug({ group, particao, posicao, traceId: traceIdOf(read.traceparent) }, 'event followed')
  }
}

/** Applies as `apply` does, and shows it in the trace of every event that has one. */
function traced<Row extends Positioned, Touched>(
  tracing: Tracing,
  { group, spans }: Group<Row, Touched>,
  apply: Apply<Row>,
): Apply<Row> {
  return async (batch) => {
    const { particao, origin, arrived } = batch
    const members = arrived.flatMap(({ posicao, attempts, read }) => {
      if (read.outcome === 'unreadable' || read.traceparent === undefined) return []
      return [{ traceparent: read.traceparent, attributes: { posicao, tentativas: attempts } }]
    })
    const messages = { 'messaging.system': 'redis', 'messaging.batch.message_count': arrived.length }
    const attributes = { grupo: group, origem: origin, particao, ...messages }
    const trace = startBatch(tracing, spans?.batch ?? `follow ${group}`, { kind: 'consumer', attributes, members })
    try {
      await apply(batch, trace)
      trace?.end()
    } catch (error) {
      trace?.end(error)
      throw error
    }
  }
}
