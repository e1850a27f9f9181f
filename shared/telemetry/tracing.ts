import type { Logger } from './logger.ts'

export type Attributes = Readonly<Record<string, string | number | boolean>>
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export type SpanOptions = {
  kind?: SpanKind
  /** W3C `traceparent` of the span, here or elsewhere, that this one belongs to; without it a trace begins. */
  parent?: string | undefined
  /** `traceparent`s of spans that have to do with this one: the entries of a batch, the batch of an entry. */
  links?: readonly string[]
  attributes?: Attributes
}

export type Span = {
  /** The W3C `traceparent` to pass on: the span's own, or its parent's where the trace is not sampled. */
  readonly traceparent: string
  /** Ends it, as failed where there is an error. Only once. */
  end(outcome?: { attributes?: Attributes; error?: unknown }): void
}

/**
 * Traces, where they are wanted. Whoever makes spans gets `Tracing | undefined` as a dependency, and `undefined` costs one
 * comparison. Contexts travel as `traceparent` texts, in arguments, rows and events: nothing hangs on asynchronous state.
 */
export type Tracing = {
  start(name: string, options?: SpanOptions): Span
  /** Sends what is left, for a moment at most. Never rejects. */
  close(): Promise<void>
}

export type TracingOptions = {
  /** Base URL of an OTLP collector (`OTEL_EXPORTER_OTLP_ENDPOINT`); undefined: no traces, and nothing is loaded. */
  endpoint: string | undefined
  /** `service.name`, and what tells this instance from others. */
  service: string
  instance: string
  /** Share of the traces that begin here to keep, 0 to 1; a trace that came with the request keeps its own decision. */
  ratio: number
  log: Logger
}

/** Whether a trace is sampled: the last flag of its `traceparent`. */
export const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.slice(53), 16) & 1) === 1

const TRACEPARENT_IN_JSON = /"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"/

/** The `traceparent` of an event's JSON text, without parsing it; quotes within its strings are escaped, so none can fake it. */
export const traceparentIn = (json: string): string | undefined => TRACEPARENT_IN_JSON.exec(json)?.[1]
