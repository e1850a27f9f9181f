import type { Attributes, Span, SpanKind, Tracing } from './tracing.ts'
import { isSampled } from './tracing.ts'

/** One member of a batch: the trace it came with, and what to say of it. */
type Member = { traceparent: string; attributes?: Attributes }

export type BatchTrace = {
  /** Begins a step of the work, in the batch's trace and in each member's own. Gives the function that ends it. */
  step(name: string): () => void
  /** Ends the batch, every member's span and every step that is still open. */
  end(error?: unknown): void
}

/** A span with more links than this is cut by the SDK; the members' own spans still point at the batch. */
const LINKS_MAX = 128

/**
 * Traces work that is done for many traces at once: one span for the batch, linked to all of them, and one span in each
 * member's trace, linked to the batch. So a request's trace is whole, and the batch shows what was done together.
 *
 * Only sampled members count; `undefined` where there is none.
 */
export function startBatch(
  tracing: Tracing,
  name: string,
  { kind, attributes, members }: { kind: SpanKind; attributes?: Attributes; members: readonly Member[] },
): BatchTrace | undefined {
  const sampled = members.filter(({ traceparent }) => isSampled(traceparent))
  if (sampled.length === 0) return undefined
  const batch = tracing.start(`${name} batch`, {
    kind,
    links: sampled.slice(0, LINKS_MAX).map(({ traceparent }) => traceparent),
    ...(attributes && { attributes }),
  })
  const own = sampled.map((member) =>
    tracing.start(name, {
      kind,
      parent: member.traceparent,
      links: [batch.traceparent],
      attributes: { ...attributes, ...member.attributes },
    }),
  )
  const all: readonly Span[] = [batch, ...own]
  const open = new Set<Span>()
  const close = (spans: readonly Span[], error?: unknown) => {
    for (const span of spans) {
      open.delete(span)
      span.end({ error })
    }
  }
  return {
    step: (step) => {
      const spans = all.map(({ traceparent }) => tracing.start(step, { parent: traceparent }))
      for (const span of spans) open.add(span)
      return () => close(spans)
    },
    end: (error) => {
      close([...open], error)
      close(all, error)
    },
  }
}
