import { z } from 'zod'

/**
 * The envelope of every event: CloudEvents 1.0 in JSON with the `sequence` extension.
 *
 * Every reader of a log reads it by these rules, so that an event is poison for all of them or for none. Readers ignore fields that
 * they do not know; `data` is read by each consumer with a schema of its own.
 */
export const EventoSchema = z.object({
  specversion: z.literal('1.0'),
  /** The id of the row that the event tells of: the same row is the same event, however often it arrives. Any that `uuid` holds. */
  id: z.guid(),
  source: z.string(),
  /** A past fact with a version, such as `lancamento.registrado.v1`. */
  type: z.string(),
  subject: z.string(),
  /** When the row was registered, RFC 3339. */
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  /** The position in the partition, zero-padded so that text order is number order (CloudEvents sequence extension). */
  sequence: z.string().regex(/^\d{16}$/),
  particao: z.int().nonnegative(),
  /** Which log these positions belong to: a restored log gets another. */
  epoca: z.guid(),
  /** W3C trace context of the request that made the row. */
  traceparent: z.string().optional(),
  data: z.unknown(),
})

export type EventEnvelope<Data = unknown> = Omit<z.infer<typeof EventoSchema>, 'data'> & { data: Data }

/** What a table tells of one of its rows; the log adds the rest of the envelope. */
export type Fact = {
  id: string
  source: string
  type: string
  subject: string
  time: string
  traceparent?: string
  data: unknown
}

const SEQUENCE_DIGITS = 16

/** The address of a row in a log. */
type LogAddress = { particao: number; posicao: number; epoca: string }

/** Writes one event as JSON text: the body of a stream entry and of a feed item alike. */
export const encodeEvento = (fact: Fact, { particao, posicao, epoca }: LogAddress): string =>
  JSON.stringify({
    specversion: '1.0',
    id: fact.id,
    source: fact.source,
    type: fact.type,
    subject: fact.subject,
    time: fact.time,
    datacontenttype: 'application/json',
    sequence: String(posicao).padStart(SEQUENCE_DIGITS, '0'),
    particao,
    epoca,
    ...(fact.traceparent && { traceparent: fact.traceparent }),
    data: fact.data,
  })

/** The position that an event carries in its `sequence`. */
export const posicaoOf = (evento: Pick<EventEnvelope, 'sequence'>): number => Number(evento.sequence)

/**
 * What an app needs of an event, as a row; or in a text why it can never be applied, in words that name fields and never their values.
 * The envelope was read before, so `id`, `time` and `epoca` are what they should be.
 */
export type Reader<Row> = (evento: EventEnvelope, posicao: number) => Row | string

/** An event that was read, or why it cannot be. */
export type EventRead<Row> =
  | { outcome: 'read'; epoca: string; traceparent: string | undefined; row: Row }
  | { outcome: 'unreadable'; reason: string }

/** Reads an event that arrived at `posicao`: its envelope by the rules of all readers, its `data` by the app's own. Never throws. */
export function readEvent<Row extends object>(read: Reader<Row>, posicao: number, evento: unknown): EventRead<Row> {
  const envelope = isUsual(evento) ? evento : checked(evento)
  if (typeof envelope === 'string') return unreadable(envelope)
  if (posicaoOf(envelope) !== posicao) return unreadable('sequence is not the position at which the event arrived')
  try {
    const row = read(envelope, posicao)
    if (typeof row === 'string') return unreadable(row)
    return { outcome: 'read', epoca: envelope.epoca, traceparent: envelope.traceparent, row }
  } catch (error) {
    return unreadable(`the reader throws ${error instanceof Error ? error.name : typeof error}`)
  }
}

/** The same from its JSON text. */
export function readText<Row extends object>(read: Reader<Row>, posicao: number, body: string): EventRead<Row> {
  let evento: unknown
  try {
    evento = JSON.parse(body)
  } catch {
    return unreadable('not JSON')
  }
  return readEvent(read, posicao, evento)
}

/** Reads an event's `data` by a schema: what it holds, or which of its fields are wrong. */
export function readData<Data extends object>(schema: z.ZodType<Data>, { data }: EventEnvelope): Data | string {
  const read = schema.safeParse(data)
  return read.success ? read.data : wrongFields(read.error, 'data')
}

const unreadable = (reason: string): EventRead<never> => ({ outcome: 'unreadable', reason })

/** The envelope, or why it is none. */
const checked = (evento: unknown): EventEnvelope | string => {
  const read = EventoSchema.safeParse(evento)
  return read.success ? read.data : `not an event: ${wrongFields(read.error)}`
}

const SEQUENCE = /^\d{16}$/
const UUID = z.regexes.guid
const TIME = z.regexes.datetime({ offset: true })

const isText = (value: unknown, form: RegExp): value is string => typeof value === 'string' && form.test(value)

/**
 * True only of what `EventoSchema` accepts, and of all that we write: every follower reads every event, and the schema makes a
 * copy of each. The rest is the schema's to judge.
 */
const isUsual = (value: unknown): value is EventEnvelope => {
  if (typeof value !== 'object' || value === null) return false
  const e: Partial<Record<keyof EventEnvelope, unknown>> = value
  return (
    e.specversion === '1.0' &&
    isText(e.id, UUID) &&
    typeof e.source === 'string' &&
    typeof e.type === 'string' &&
    typeof e.subject === 'string' &&
    isText(e.time, TIME) &&
    e.datacontenttype === 'application/json' &&
    isText(e.sequence, SEQUENCE) &&
    Number.isSafeInteger(e.particao) &&
    Number(e.particao) >= 0 &&
    isText(e.epoca, UUID) &&
    (e.traceparent === undefined || typeof e.traceparent === 'string')
  )
}

const wrongFields = ({ issues }: z.ZodError, ...within: readonly string[]): string =>
  issues.map(({ path }) => [...within, ...path].join('.')).join('; ')
