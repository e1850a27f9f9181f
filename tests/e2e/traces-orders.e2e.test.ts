import { afterAll, beforeAll, expect, test } from 'vitest'
import { startOtlpReceiver, treeOf } from '../stage/otlp-receiver.ts'
import { ONE_OF_EACH, type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319d'
const CALLER = 'b7ad6b7169203331'

let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>
let system: System
beforeAll(async () => {
  receiver = await startOtlpReceiver()
  system = await startSystem({ ...ONE_OF_EACH, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
})
afterAll(async () => {
  await system.stop()
  await receiver.stop()
})

/** What every event of an order is: written, published, and followed by three groups. */
const FOLLOWED = ['follow avisos (avisos)', 'follow entregas (entregas)', 'follow lancamentos (lancamentos)']
const WRITTEN = ['order commit (entregas)', 'relay publish (entregas)']
const MONEY = [
  'order money (lancamentos)',
  '  follow avisos (avisos)',
  '  ledger commit (lancamentos)',
  '  project (consolidado)',
  '    cache write (consolidado)',
  '    inbox apply (consolidado)',
  '  relay publish (lancamentos)',
]
const below = (depth: number, ...lines: string[]) => lines.map((line) => '  '.repeat(depth) + line)
const TREE = [
  'POST /orders (entregas)',
  ...below(1, 'flow step (entregas)'),
  ...below(2, 'flow step (entregas)', ...below(1, ...FOLLOWED, ...WRITTEN.slice(0, 1), ...MONEY, ...WRITTEN.slice(1))),
  ...below(2, ...FOLLOWED, ...WRITTEN),
  ...below(1, ...FOLLOWED, ...WRITTEN),
]

test('one trace leads from the order over its steps and its money to the balance in the cache', async () => {
  const response = await fetch(`${system.url('entregas')}/orders`, {
    method: 'POST',
    headers: {
      ...(await system.as('loja-1')),
      'Content-Type': 'application/json',
      traceparent: `00-${TRACE}-${CALLER}-01`,
    },
    body: JSON.stringify({ customer_name: 'Ana', address: 'Rua A, 1', valor: 10 }),
  })
  expect(response.status).toBe(201)
  const tree = () => treeOf(receiver.spans, TRACE, { byName: true })
  await waitFor(() => tree().length >= TREE.length, { timeoutMs: 30_000, what: 'the whole trace' }).catch(
    () => undefined,
  )
  console.log(tree().join('\n'))
  expect(tree()).toEqual(TREE)
  expect(receiver.spans.filter(({ failed }) => failed)).toEqual([])
})
