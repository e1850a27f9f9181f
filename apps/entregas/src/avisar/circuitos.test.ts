import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Circuitos, createCircuitos } from './circuitos.ts'

let registry: Registry
let circuitos: Circuitos
beforeEach(() => {
  registry = new Registry()
  circuitos = createCircuitos({ registry, descansoMs: 60_000 })
})
afterEach(() => circuitos.close())

const adoecer = async (webhookId: string, comercianteId: string): Promise<void> => {
  const { breaker } = circuitos.de({ webhookId, comercianteId })
  const cair = () => Promise.reject(new Error('500'))
  for (let vez = 0; vez < 5; vez += 1) await breaker.execute(cair).catch(() => {})
  expect(breaker.state()).toBe('open')
}
const abertos = async (): Promise<string | undefined> =>
  /fluxo_avisos_circuitos\{estado="open"\} (\d+)/.exec(await registry.metrics())?.[1]

test('a merchant with ever new webhooks makes nobody else’s be forgotten', async () => {
  await adoecer('v', 'vitima')
  for (let i = 0; i < 2_000; i += 1) circuitos.de({ webhookId: `a${i}`, comercianteId: 'atacante' })
  expect(circuitos.de({ webhookId: 'v', comercianteId: 'vitima' }).breaker.state()).toBe('open')
})

test('as many merchants as there are make no more circuits than there is room for', async () => {
  await adoecer('primeiro', 'primeiro')
  expect(await abertos()).toBe('1')
  for (let i = 0; i < 1_000; i += 1) circuitos.de({ webhookId: `w${i}`, comercianteId: `c${i}` })
  expect(await abertos()).toBe('0')
  expect(await registry.metrics()).toContain('fluxo_avisos_circuitos{estado="closed"} 1000')
})
