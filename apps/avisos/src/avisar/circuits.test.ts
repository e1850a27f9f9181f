import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Circuits, createCircuits } from './circuits.ts'

let registry: Registry
let circuits: Circuits
beforeEach(() => {
  registry = new Registry()
  circuits = createCircuits({ registry, restMs: 60_000 })
})
afterEach(() => circuits.close())

const makeUnwell = async (webhookId: string, comercianteId: string): Promise<void> => {
  const { breaker } = circuits.of({ webhookId, comercianteId })
  const fail = () => Promise.reject(new Error('500'))
  for (let round = 0; round < 5; round += 1) await breaker.execute(fail).catch(() => {})
  expect(breaker.state()).toBe('open')
}
const openCircuits = async (): Promise<string | undefined> =>
  /fluxo_avisos_circuitos\{estado="open"\} (\d+)/.exec(await registry.metrics())?.[1]

test('a merchant with ever new webhooks makes nobody else’s be forgotten', async () => {
  await makeUnwell('v', 'vitima')
  for (let i = 0; i < 2_000; i += 1) circuits.of({ webhookId: `a${i}`, comercianteId: 'atacante' })
  expect(circuits.of({ webhookId: 'v', comercianteId: 'vitima' }).breaker.state()).toBe('open')
})

test('as many merchants as there are make no more circuits than there is room for', async () => {
  await makeUnwell('primeiro', 'primeiro')
  expect(await openCircuits()).toBe('1')
  for (let i = 0; i < 1_000; i += 1) circuits.of({ webhookId: `w${i}`, comercianteId: `c${i}` })
  expect(await openCircuits()).toBe('0')
  expect(await registry.metrics()).toContain('fluxo_avisos_circuitos{estado="closed"} 1000')
})
