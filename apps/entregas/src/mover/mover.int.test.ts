import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { json } from '@fluxo/tests/stage/doors'
import type { PedidoAnswer } from '@fluxo/tests/stage/orders'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, type EntregasTestApp } from '../../test/cluster.ts'
import { allowedStatuses, STATUSES, type Status } from '../domain/status.ts'

let testApp: EntregasTestApp
beforeAll(async () => {
  testApp = await createTestApp()
})
afterAll(() => testApp?.close())

type ReadEvento = { seq: number; status: string; previous_status: string | null; note?: string; source: string }

const newPedido = { customer_name: 'Ana', address: 'Rua A, 1' }
const create = async (from: string, body: object = newPedido): Promise<PedidoAnswer> => {
  const ask = await testApp.askAs(from)
  const answer = await ask('/orders', json(body))
  expect(answer.status).toBe(201)
  return (await answer.json()) as PedidoAnswer
}
const transition = async (from: string, id: string, body: object, headers = {}) => {
  const ask = await testApp.askAs(from)
  return ask(`/orders/${id}/transitions`, json(body, headers))
}
const history = async (from: string, id: string): Promise<ReadEvento[]> => {
  const ask = await testApp.askAs(from)
  return (await (await ask(`/orders/${id}/events`)).json()) as ReadEvento[]
}

/** The shortest way of the machine to each status. */
const PATHS: Readonly<Record<Status, readonly Status[]>> = {
  RECEIVED: [],
  SEPARATED: ['SEPARATED'],
  IN_TRANSIT: ['IN_TRANSIT'],
  OUT_FOR_DELIVERY: ['IN_TRANSIT', 'OUT_FOR_DELIVERY'],
  DELIVERY_FAILED: ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED'],
  AVAILABLE_FOR_PICKUP: ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP'],
  DELIVERED: ['IN_TRANSIT', 'DELIVERED'],
  RETURNING: ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'RETURNING'],
  RETURNED: ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'RETURNING', 'RETURNED'],
  CANCELLED: ['CANCELLED'],
  LOST: ['IN_TRANSIT', 'LOST'],
  DAMAGED: ['IN_TRANSIT', 'DAMAGED'],
}
const transicaoBody = (status: Status) => ({ status, ...(status === 'DELIVERY_FAILED' && { reason: 'absent' }) })
const bring = async (from: string, to: Status): Promise<PedidoAnswer> => {
  let pedido = await create(from)
  for (const status of PATHS[to]) {
    const answer = await transition(from, pedido.id, transicaoBody(status))
    expect([to, status, answer.status]).toEqual([to, status, 200])
    pedido = (await answer.json()) as PedidoAnswer
  }
  return pedido
}

describe('every pair of statuses', () => {
  test.each(STATUSES)('from %s exactly the arrows are walked; all else is 409 with what would be', async (from) => {
    for (const to of STATUSES) {
      const { id, version = 1 } = await bring('pares', from)
      const answer = await transition('pares', id, transicaoBody(to))
      const accepted = allowedStatuses({ status: from, tentativas: from === 'DELIVERY_FAILED' ? 1 : 0 })
      if (accepted.includes(to)) {
        expect([to, answer.status]).toEqual([to, 200])
        expect(await answer.json()).toMatchObject({ id, status: to, version: version + 1 })
      } else {
        expect([to, answer.status]).toEqual([to, 409])
        expect(await answer.json()).toMatchObject({
          codigo: 'transicao-invalida',
          permitidas: accepted,
          atual: from,
          version,
        })
      }
    }
  })
})

test('after three failed attempts the parcel waits or goes back', async () => {
  const { id } = await bring('tentativas', 'DELIVERY_FAILED')
  for (let tentativa = 2; tentativa <= 3; tentativa += 1) {
    expect((await transition('tentativas', id, { status: 'OUT_FOR_DELIVERY' })).status).toBe(200)
    expect((await transition('tentativas', id, { status: 'DELIVERY_FAILED', reason: 'refused' })).status).toBe(200)
  }
  const answer = await transition('tentativas', id, { status: 'OUT_FOR_DELIVERY' })
  expect(await answer.json()).toMatchObject({
    atual: 'DELIVERY_FAILED',
    permitidas: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
  })
  expect((await history('tentativas', id)).filter(({ status }) => status === 'DELIVERY_FAILED')).toMatchObject([
    { attempt: 1 },
    { attempt: 2 },
    { attempt: 3 },
  ])
})

test('the version guards: a stale one is refused, and of many at once one wins', async () => {
  const { id } = await create('versao')
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => transition('versao', id, { status: 'IN_TRANSIT', version: 1 })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
  const loser = answers.find(({ status }) => status === 409)
  expect(await loser?.json()).toMatchObject({ codigo: 'versao-desatualizada', version: 2, atual: 'IN_TRANSIT' })
  expect(await history('versao', id)).toHaveLength(2)
})

test('a transition that is sent again with its key is made once, and another one under the key is refused', async () => {
  const { id } = await create('chave')
  const chave = { 'idempotency-key': 'k-1' }
  const first = await transition('chave', id, { status: 'IN_TRANSIT' }, chave)
  const second = await transition('chave', id, { status: 'IN_TRANSIT' }, chave)
  expect([first.status, second.status]).toEqual([200, 200])
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  expect((await transition('chave', id, { status: 'DELIVERED' }, chave)).status).toBe(422)
  expect(await history('chave', id)).toHaveLength(2)
})

test('a cancellation ends an order before transport and turns it back afterwards; its key repeats it', async () => {
  const ask = await testApp.askAs('cancela')
  const { id } = await create('cancela')
  const cancel = (orderId: string) =>
    ask(`/orders/${orderId}/cancel`, json({ note: 'desistiu' }, { 'idempotency-key': orderId }))
  expect(await (await cancel(id)).json()).toMatchObject({ status: 'CANCELLED', version: 2 })
  const again = await cancel(id)
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
  expect((await ask(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(409)
  const inTransit = await bring('cancela', 'IN_TRANSIT')
  expect(await (await cancel(inTransit.id)).json()).toMatchObject({ status: 'RETURNING' })
  const delivered = await bring('cancela', 'DELIVERED')
  expect(await (await cancel(delivered.id)).json()).toMatchObject({ status: 'RETURNING' })
})

test('a key that did something else cancels nothing, and is not taken for a cancellation', async () => {
  const ask = await testApp.askAs('cancela-chave')
  const created = await ask('/orders', json({ customer_name: 'Ana', address: 'Rua A' }, { 'idempotency-key': 'k' }))
  const { id } = (await created.json()) as PedidoAnswer
  await transition('cancela-chave', id, { status: 'SEPARATED' }, { 'idempotency-key': 'k-2' })
  const cancel = async (chave: string, body: object = {}) =>
    (await ask(`/orders/${id}/cancel`, json(body, { 'idempotency-key': chave }))).status
  expect([await cancel('k'), await cancel('k-2')]).toEqual([422, 422])
  expect([await cancel('k-3'), await cancel('k-3'), await cancel('k-3', { note: 'outra' })]).toEqual([200, 200, 422])
  expect(await history('cancela-chave', id)).toHaveLength(3)
})

test('another merchant’s order is not there: neither to read, to move, nor to tell of', async () => {
  const { id } = await create('dona')
  const ask = await testApp.askAs('intrusa')
  const requests: [string, RequestInit?][] = [
    [`/orders/${id}`],
    [`/orders/${id}/events`],
    [`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' })],
    [`/orders/${id}/cancel`, json({})],
    [`/orders/${id}/carrier-events`, json({ type: 'PO', status: 1, occurred_at: '2025-10-15T12:00:00Z' })],
    ['/orders/nenhum-id'],
  ]
  for (const [path, init] of requests) expect([path, (await ask(path, init)).status]).toEqual([path, 404])
  expect(await history('dona', id)).toHaveLength(1)
  const readOnly = await testApp.askAs('dona', ['entregas:ler'])
  expect((await readOnly(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }))).status).toBe(403)
})

test('what has not happened yet is refused', async () => {
  const { id } = await create('futuro')
  const answer = await transition('futuro', id, { status: 'IN_TRANSIT', occurred_at: '2025-10-15T12:45:00Z' })
  expect([answer.status, await answer.json()]).toMatchObject([422, { erros: [{ campo: 'occurred_at' }] }])
})

test('an order may be written down after the parcel has left: what happened before it is kept with its time', async () => {
  const { id } = await create('passado')
  expect(
    (await transition('passado', id, { status: 'IN_TRANSIT', occurred_at: '2025-10-01T23:00:00-03:00' })).status,
  ).toBe(200)
  expect(await history('passado', id)).toMatchObject([{}, { occurred_at: '2025-10-02T02:00:00.000Z' }])
})

test('no sequence of calls, concurrent and repeated, skips or repeats a step', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.array(fc.record({ to: fc.constantFrom(...STATUSES), times: fc.integer({ min: 1, max: 3 }) }), {
          maxLength: 4,
        }),
        { maxLength: 5 },
      ),
      async (waves) => {
        const { id } = await create('sequencias')
        for (const wave of waves) {
          await Promise.all(
            wave.flatMap(({ to, times }) =>
              Array.from({ length: times }, () => transition('sequencias', id, transicaoBody(to))),
            ),
          )
        }
        const eventos = await history('sequencias', id)
        expect(eventos.map(({ seq }) => seq)).toEqual(eventos.map((_, i) => i + 1))
        let failures = 0
        eventos.forEach(({ status, previous_status: previous }, i) => {
          expect(previous).toBe(eventos[i - 1]?.status ?? null)
          if (previous !== null)
            expect(allowedStatuses({ status: previous as Status, tentativas: failures })).toContain(status)
          if (status === 'DELIVERY_FAILED') failures += 1
        })
      },
    ),
    { numRuns: 40 },
  )
})

test('the database itself refuses to change or forget an event, and the service’s role owns nothing', async () => {
  await create('dono')
  await expect(testApp.sql`update evento set note = 'x'`).rejects.toMatchObject({ code: '42501' })
  await expect(testApp.sql`delete from evento`).rejects.toMatchObject({ code: '42501' })
  await expect(testApp.sql`delete from pedido`).rejects.toMatchObject({ code: '42501' })
  const owner = createSql({ url: testApp.ownerUrl, max: 1, name: 'dono' })
  try {
    await expect(owner`update evento set note = 'x'`).rejects.toThrow('append-only')
    await expect(owner`truncate evento`).rejects.toThrow('append-only')
  } finally {
    await closeSql(owner)
  }
})

test('positions have no gaps and follow the commits, whatever was refused in between', async () => {
  const [log] = await testApp.sql`
    select count(*)::int as n, max(posicao)::int as maior, (select ultima::int from posicao) as ultima from evento`
  expect([log?.['maior'], log?.['ultima']]).toEqual([log?.['n'], log?.['n']])
})

test('moving an order finds it by its key, also with a plan that was made while the table was empty', async () => {
  const [empty] = await testApp.sql`select count(*)::int as n from pedido where comerciante_id = 'plano'`
  expect(empty).toMatchObject({ n: 0 })
  const plan = await testApp.sql.unsafe(`explain (costs off) update pedido p set version = version
    from jsonb_to_recordset('[]'::jsonb) as c(pedido_id uuid, versao int) where p.id = c.pedido_id and p.version = c.versao`)
  const text = plan.map((line) => String(line['QUERY PLAN'])).join('\n')
  expect(text).toContain('pedido_pkey')
  expect(text).not.toMatch(/Seq Scan on pedido|Hash|Merge/)
})
