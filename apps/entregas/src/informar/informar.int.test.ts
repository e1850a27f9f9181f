import { json } from '@fluxo/tests/stage/doors'
import type { PedidoAnswer } from '@fluxo/tests/stage/orders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApp, type EntregasTestApp } from '../../test/cluster.ts'

let testApp: EntregasTestApp
beforeAll(async () => {
  testApp = await createTestApp()
  testApp.clock.now = new Date('2025-10-20T00:00:00Z')
})
afterAll(() => testApp?.close())

let comerciantes = 0
/** An order that a moment of the carrier is told of, as a merchant of its own. */
const withPedido = async () => {
  comerciantes += 1
  const ask = await testApp.askAs(`loja-${comerciantes}`)
  testApp.clock.now = new Date('2025-10-01T00:00:00Z')
  const { id } = (await (await ask('/orders', json({ customer_name: 'Ana', address: 'Rua A' }))).json()) as PedidoAnswer
  testApp.clock.now = new Date('2025-10-20T00:00:00Z')
  const informar = async (type: string, status: number, day: number, more: object = {}) => {
    const occurred_at = `2025-10-${String(day).padStart(2, '0')}T12:00:00-03:00`
    const answer = await ask(`/orders/${id}/carrier-events`, json({ type, status, occurred_at, ...more }))
    return [answer.status, ((await answer.json()) as { status: unknown }).status]
  }
  const history = async () =>
    ((await (await ask(`/orders/${id}/events`)).json()) as Record<string, unknown>[]).map((e) =>
      [e['status'], e['reported_status'], e['carrier_code'], e['tracking_code']]
        .filter((x) => x !== undefined)
        .join(' '),
    )
  return { id, ask, informar, history }
}

test('the carrier moves an order along, and what it left out is filled in', async () => {
  const { informar, history } = await withPedido()
  expect(await informar('OEC', 0, 3)).toEqual([200, 'OUT_FOR_DELIVERY'])
  expect(await informar('BDE', 20, 4, { location: 'São Paulo', tracking_code: 'DL077986616BR' })).toEqual([
    200,
    'DELIVERY_FAILED',
  ])
  expect(await informar('LDI', 1, 5)).toEqual([200, 'AVAILABLE_FOR_PICKUP'])
  expect(await informar('BDE', 1, 6)).toEqual([200, 'DELIVERED'])
  expect(await history()).toEqual([
    'RECEIVED',
    'IN_TRANSIT OEC 0',
    'OUT_FOR_DELIVERY OEC 0',
    'DELIVERY_FAILED BDE 20 DL077986616BR',
    'AVAILABLE_FOR_PICKUP LDI 1',
    'DELIVERED BDE 1',
  ])
})

test('a late event is kept by its own time and never moves the order back; the same event again is nothing new', async () => {
  const { informar, history } = await withPedido()
  await informar('BDE', 1, 6)
  expect(await informar('PO', 1, 2)).toEqual([200, 'DELIVERED'])
  expect(await informar('BDE', 69, 7)).toEqual([200, 'DELIVERED'])
  expect(await informar('PO', 1, 2)).toEqual([200, 'DELIVERED'])
  expect(await informar('BDE', 1, 6)).toEqual([200, 'DELIVERED'])
  expect(await history()).toEqual([
    'RECEIVED',
    'IN_TRANSIT BDE 1',
    'DELIVERED BDE 1',
    'DELIVERED IN_TRANSIT PO 1',
    'DELIVERED BDE 69',
  ])
})

test('EST takes the carrier’s last change back, once, and nobody else’s', async () => {
  const { id, ask, informar, history } = await withPedido()
  await informar('OEC', 0, 3)
  await informar('BDE', 1, 4)
  expect(await informar('EST', 1, 5)).toEqual([200, 'OUT_FOR_DELIVERY'])
  expect(await informar('EST', 1, 6)).toEqual([200, 'OUT_FOR_DELIVERY'])
  await ask(`/orders/${id}/transitions`, json({ status: 'DELIVERED' }))
  expect(await informar('EST', 1, 7)).toEqual([200, 'DELIVERED'])
  expect((await history()).slice(3)).toEqual([
    'DELIVERED BDE 1',
    'OUT_FOR_DELIVERY EST 1',
    'OUT_FOR_DELIVERY EST 1',
    'DELIVERED',
    'DELIVERED EST 1',
  ])
})

test('a failed attempt that is taken back was none', async () => {
  const { id, ask, informar } = await withPedido()
  await informar('OEC', 0, 3)
  await informar('BDE', 2, 4)
  await informar('EST', 1, 5)
  await informar('BDE', 4, 6)
  const eventos = (await (await ask(`/orders/${id}/events`)).json()) as Record<string, unknown>[]
  expect(eventos.at(-1)).toMatchObject({ status: 'DELIVERY_FAILED', reason: 'refused', attempt: 1 })
})

test('unknown events, wrong tracking codes and the future are refused', async () => {
  const { informar } = await withPedido()
  expect(await informar('BDE', 999, 3)).toEqual([422, 422])
  expect(await informar('bde', 1, 3)).toEqual([422, 422])
  expect(await informar('BDE', 1, 3, { tracking_code: 'SS123456789BR' })).toEqual([422, 422])
  expect(await informar('BDE', 1, 30)).toEqual([422, 422])
})

test('of the same event sent many times at once, one counts', async () => {
  const { informar, history } = await withPedido()
  const answers = await Promise.all(Array.from({ length: 6 }, () => informar('BDE', 1, 6)))
  expect(answers).toEqual(Array(6).fill([200, 'DELIVERED']))
  expect(await history()).toEqual(['RECEIVED', 'IN_TRANSIT BDE 1', 'DELIVERED BDE 1'])
})
