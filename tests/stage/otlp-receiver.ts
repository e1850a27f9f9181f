import { json } from 'node:stream/consumers'
import { type Listening, listen } from './listen.ts'

/** A span as OTLP's JSON has it; only what is looked at. */
export type ReceivedSpan = {
  service: string
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  links: readonly { traceId: string; spanId: string }[]
  attributes: Readonly<Record<string, string>>
  startTimeUnixNano: string
  failed: boolean
}

type Value = Readonly<Record<string, unknown>>
type Attribute = { key: string; value: Value }
type RawSpan = Omit<ReceivedSpan, 'service' | 'links' | 'attributes' | 'failed'> & {
  links?: ReceivedSpan['links']
  attributes?: Attribute[]
  status?: { code?: number }
}
type Body = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: RawSpan[] }[] }[]
}

const STATUS_ERROR = 2
const textOf = (attributes: readonly Attribute[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]))

/** A collector of the test's own: what real processes send to `url` is in `spans`. */
export const startOtlpReceiver = async (): Promise<Listening & { spans: ReceivedSpan[] }> => {
  const spans: ReceivedSpan[] = []
  const take = ({ resourceSpans }: Body): void => {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = textOf(resource.attributes)['service.name'] ?? '?'
      for (const { attributes, links = [], status, ...span } of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({ ...span, service, links, attributes: textOf(attributes), failed: status?.code === STATUS_ERROR })
      }
    }
  }
  const { url, stop } = await listen((request, response) => {
    void json(request).then((body) => {
      if (request.url === '/v1/traces') take(body as Body)
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
    })
  })
  return { url, spans, stop }
}

/** The spans of one trace as indented text, in the order in which they began; or by name, where what is beside each other may begin in any order. */
export const treeOf = (spans: readonly ReceivedSpan[], traceId: string, { byName = false } = {}): string[] => {
  const own = spans.filter((span) => span.traceId === traceId)
  const ids = new Set(own.map(({ spanId }) => spanId))
  // Times have whole milliseconds; within one, the ledger came first.
  const begun = (a: ReceivedSpan, b: ReceivedSpan) =>
    Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)) || b.service.localeCompare(a.service)
  const named = (a: ReceivedSpan, b: ReceivedSpan) => a.name.localeCompare(b.name) || begun(a, b)
  const below = (parent: string | undefined, indent: string): string[] =>
    own
      .filter(({ parentSpanId }) => (parent === undefined ? !ids.has(parentSpanId ?? '') : parentSpanId === parent))
      .sort(byName ? named : begun)
      .flatMap((span) => [`${indent}${span.name} (${span.service})`, ...below(span.spanId, `${indent}  `)])
  return below(undefined, '')
}
