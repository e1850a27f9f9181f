import type { Tracing, TracingOptions } from './tracing.ts'

/** Traces to the collector at `endpoint`, or `undefined`. OpenTelemetry is imported here, and only where it is used. */
export async function startTracing({ endpoint, ...options }: TracingOptions): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined
  const { createOtlpTracing } = await import('./tracing-otlp.ts')
  return createOtlpTracing({ endpoint, ...options })
}
