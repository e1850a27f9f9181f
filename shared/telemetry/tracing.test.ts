import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { startTracing } from './start-tracing.ts'
import { isSampled, type Tracing, traceparentIn } from './tracing.ts'
import { startBatch } from './tracing-batch.ts'

const log = pino({ level: 'silent' })
const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OTHER = '00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const UNSAMPLED = '00-2cf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'

type Sent = {
  name: string
  traceId: string
  parentSpanId?: string
  links?: { traceId: string }[]
  status?: { code?: number }
}
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const collector = async (ratio: number): Promise<{ tracing: Tracing; sent: Sent[] }> => {
  const sent: Sent[] = []
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { resourceSpans } = body as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] }
      sent.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
      response.end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close().closeAllConnections())
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  const tracing = await startTracing({ endpoint, service: 'teste', instance: 't1', ratio, log })
  if (tracing === undefined) throw new Error('invariant: there is an endpoint')
  return { tracing, sent }
}

test('without an endpoint there are no traces', async () => {
  expect(await startTracing({ endpoint: undefined, service: 'teste', instance: 't1', ratio: 1, log })).toBeUndefined()
})

test('closing sends what is left, and a failure is sent as one without its message', async () => {
  const { tracing, sent } = await collector(1)
  const span = tracing.start('work', { parent: SAMPLED, links: [OTHER] })
  expect(span.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
  span.end({ error: new RangeError('descricao: segredo') })
  await tracing.close()
  expect(sent).toMatchObject([
    { name: 'work', parentSpanId: 'b7ad6b7169203331', links: [{ traceId: OTHER.slice(3, 35) }], status: { code: 2 } },
  ])
  expect(JSON.stringify(sent)).not.toContain('segredo')
})

test('a trace that begins here is kept by chance, one that came in as its caller decided', async () => {
  const { tracing, sent } = await collector(0)
  const root = tracing.start('root')
  expect(isSampled(root.traceparent)).toBe(false)
  root.end()
  tracing.start('passed on', { parent: UNSAMPLED }).end()
  tracing.start('kept', { parent: SAMPLED }).end()
  await tracing.close()
  expect(sent.map(({ name }) => name)).toEqual(['kept'])
})

test('a batch is shown in the trace of each of its members, and failing fails every step that is open', async () => {
  const { tracing, sent } = await collector(1)
  expect(startBatch(tracing, 'b', { kind: 'consumer', members: [{ traceparent: UNSAMPLED }] })).toBeUndefined()
  const members = [SAMPLED, OTHER, UNSAMPLED].map((traceparent) => ({ traceparent }))
  const batch = startBatch(tracing, 'project', { kind: 'consumer', members })
  batch?.step('done')()
  batch?.step('open')
  batch?.end(new Error('x'))
  await tracing.close()
  const count = (name: string, code?: number) => sent.filter((s) => s.name === name && s.status?.code === code).length
  expect([count('project batch', 2), count('project', 2), count('open', 2)]).toEqual([1, 2, 3])
  expect(sent.filter(({ name, status }) => name === 'done' && status?.code !== 2)).toHaveLength(3)
  expect(sent.find(({ name }) => name === 'project batch')?.links).toHaveLength(2)
})

test('a collector that is away holds nothing up', async () => {
  const tracing = await startTracing({
    endpoint: 'http://127.0.0.1:9',
    service: 'teste',
    instance: 't1',
    ratio: 1,
    log,
  })
  tracing?.start('work').end()
  const before = performance.now()
  await tracing?.close()
  expect(performance.now() - before).toBeLessThan(10_000)
})

test('the context of an event is found in its text, and no text within can fake it', () => {
  expect(traceparentIn(JSON.stringify({ id: 1, traceparent: SAMPLED, data: {} }))).toBe(SAMPLED)
  expect(traceparentIn(JSON.stringify({ data: { referencia: `"traceparent":"${SAMPLED}"` } }))).toBeUndefined()
})
