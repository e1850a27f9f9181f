import {
  type Context,
  type DiagLogger,
  diag,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { ifInTime } from '../wait.ts'
import type { Logger } from './logger.ts'
import { isSampled, type Span, type SpanOptions, type Tracing, type TracingOptions } from './tracing.ts'

/** Spans that wait for the collector; more are dropped, since a trace is worth less than the memory of a service. */
const QUEUE_SPANS_MAX = 16_384
const EXPORT_SPANS_MAX = 512
/** A trace is looked at moments after the request, so it does not wait long. */
const EXPORT_EVERY_MS = 1_000
const EXPORT_TIMEOUT_MS = 5_000
/** Leaving does not wait for a collector that is away. */
const CLOSE_TIMEOUT_MS = 2_000
/** While the collector is unreachable, at most one line a minute is logged. */
const COMPLAIN_EVERY_MS = 60_000

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

/** Traces over OTLP/HTTP with JSON bodies to `<endpoint>/v1/traces`. Loaded by `startTracing` alone. */
export function createOtlpTracing(options: TracingOptions & { endpoint: string }): Tracing {
  const { endpoint, service, instance, ratio, log } = options
  diag.setLogger(complaints(log))
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: QUEUE_SPANS_MAX,
    maxExportBatchSize: EXPORT_SPANS_MAX,
    scheduledDelayMillis: EXPORT_EVERY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const provider = new TracerProvider({
    // The choice is made below, before a span costs anything.
    sampler: new AlwaysOnSampler(),
    resource: resourceFromAttributes({ 'service.name': service, 'service.instance.id': instance }),
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('fluxo')
  log.info({ endpoint: new URL(endpoint).host, ratio }, 'traces are sent')

  return {
    start: (name, given = {}) => {
      const { kind = 'internal', parent, links, attributes } = given
      if (parent === undefined ? Math.random() >= ratio : !isSampled(parent)) return unsampled(parent)
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          ...(attributes && { attributes }),
          ...(links && { links: links.flatMap(linkOf) }),
        },
        contextOf(parent),
      )
      return {
        traceparent: traceparentOf(span.spanContext()),
        end: ({ attributes: more, error } = {}) => {
          if (more !== undefined) span.setAttributes(more)
          // The kind of error only: a driver's message may carry what was being written.
          if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: kindOf(error) })
          span.end()
        },
      }
    },
    close: () => ifInTime(provider.shutdown(), CLOSE_TIMEOUT_MS),
  }
}

const NO_TRACE = `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`
const nothing = (): void => {}

/** A span that is not sampled: it does nothing, and its `traceparent` is the parent's. */
const unsampled = (parent: string | undefined): Span => ({ traceparent: parent ?? NO_TRACE, end: nothing })

const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

/** A `traceparent` that was checked when it came in (`parseTraceparent`), as OpenTelemetry's context of a remote span. */
const spanContextOf = (traceparent: string): SpanContext => ({
  traceId: traceparent.slice(3, 35),
  spanId: traceparent.slice(36, 52),
  traceFlags: Number.parseInt(traceparent.slice(53), 16),
  isRemote: true,
})

const contextOf = (parent: SpanOptions['parent']): Context =>
  parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent))

const linkOf = (traceparent: string): Link[] => [{ context: spanContextOf(traceparent) }]

const kindOf = (error: unknown): string => (error instanceof Error ? error.name : String(error))

/** What OpenTelemetry has to complain about, as our log lines, and not more often than is useful. */
function complaints(log: Logger): DiagLogger {
  let complainedAt = Number.NEGATIVE_INFINITY
  const complain = (message: string): void => {
    const now = performance.now()
    if (now - complainedAt < COMPLAIN_EVERY_MS) return
    complainedAt = now
    log.warn({ motivo: message.slice(0, 300) }, 'traces could not be sent')
  }
  return { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing }
}
