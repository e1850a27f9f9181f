import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ReceivedSpan, startOtlpReceiver, treeOf } from '../stage/otlp-receiver.ts'
import { type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
const UNSAMPLED = '1bf7651916cd43dd8448eb211c80319c'
const ENTRIES = 40

let system: System
let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>
beforeAll(async () => {
  receiver = await startOtlpReceiver()
  system = await startSystem({ lancamentos: 1, consolidado: 1, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
})
afterAll(async () => {
  await system?.stop()
  await receiver.stop()
})

const post = async (headers: Record<string, string> = {}): Promise<void> => {
  const response = await fetch(`${system.url('lancamentos')}/lancamentos`, {
    method: 'POST',
    headers: { ...(await system.as('loja-1')), 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ valor: 1, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15' }),
  })
  expect(response.status).toBe(201)
}
const named = (name: string, traceId?: string): ReceivedSpan[] =>
  receiver.spans.filter((span) => span.name === name && (traceId === undefined || span.traceId === traceId))

const TREE = [
  'POST /lancamentos (lancamentos)',
  '  ledger commit (lancamentos)',
  '  relay publish (lancamentos)',
  '  project (consolidado)',
  '    inbox apply (consolidado)',
  '    cache write (consolidado)',
]

test('one trace leads from the request over ledger row, relay and stream into the projection and the cache', async () => {
  await post({ traceparent: `00-${TRACE}-${CALLER}-01` })
  await waitFor(() => treeOf(receiver.spans, TRACE).length === TREE.length, { what: 'the whole trace arrived' })
  const tree = treeOf(receiver.spans, TRACE)
  console.log(tree.join('\n'))
  expect(tree).toEqual(TREE)

  const [server] = named('POST /lancamentos', TRACE)
  expect(server).toMatchObject({ parentSpanId: CALLER, attributes: { 'http.response.status_code': '201' } })
  const [row] = await system.sql.lancamentos<
    { rastro: string }[]
  >`select rastro from lancamentos where rastro like ${`%${TRACE}%`}`
  expect(row?.rastro).toBe(`00-${TRACE}-${server?.spanId}-01`)
  expect(receiver.spans.filter(({ failed }) => failed)).toEqual([])
})

test('what many entries share is a span of its own, linked to the trace of each, which points back', async () => {
  await Promise.all(Array.from({ length: ENTRIES }, () => post()))
  const entries = () => named('project').length
  await waitFor(() => entries() === ENTRIES + 1 && named('project batch').length > 0, { what: 'every entry arrived' })

  const linked = (name: string) => new Set(named(name).flatMap(({ links }) => links.map(({ traceId }) => traceId)))
  const traces = new Set(named('POST /lancamentos').map(({ traceId }) => traceId))
  expect(traces.size).toBe(ENTRIES + 1)
  for (const name of ['ledger statement', 'relay publish batch', 'project batch']) expect(linked(name)).toEqual(traces)
  expect(named('ledger statement')[0]?.attributes).toMatchObject({ 'db.operation.name': 'ledger.append' })
  const batches = new Set(named('project batch').map(({ spanId }) => spanId))
  for (const { links } of named('project')) expect(batches).toContain(links[0]?.spanId)
  for (const traceId of traces) expect(treeOf(receiver.spans, traceId)).toEqual(TREE)
})

test('a trace that its caller does not keep is followed and not sent', async () => {
  await post({ traceparent: `00-${UNSAMPLED}-${CALLER}-00` })
  await system.caughtUp()
  const [row] = await system.sql.lancamentos<
    { rastro: string }[]
  >`select rastro from lancamentos order by posicao desc limit 1`
  expect(row?.rastro).toBe(`00-${UNSAMPLED}-${CALLER}-00`)
  // A later trace has arrived whole, so nothing of the earlier one is on its way.
  const before = named('cache write').length
  await post()
  await waitFor(() => named('cache write').length > before, { what: 'a later trace arrived' })
  expect(receiver.spans.filter(({ traceId }) => traceId === UNSAMPLED)).toEqual([])
})

test('probes and scrapes make no traces', async () => {
  await fetch(`${system.url('consolidado')}/metrics`)
  await fetch(`${system.url('consolidado')}/health/ready`)
  await post()
  await waitFor(() => named('POST /lancamentos').length === ENTRIES + 3, { what: 'a later trace arrived' })
  expect(receiver.spans.filter(({ name }) => /metrics|health/.test(name))).toEqual([])
})
