import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada, json, type PedidoLido } from '../../test/bancada.ts'
import { permitidas, STATUSES, type Status } from '../domain/status.ts'

let bancada: Bancada
beforeAll(async () => {
  bancada = await createBancada()
})
afterAll(() => bancada?.fechar())

type EventoLido = { seq: number; status: string; previous_status: string | null; note?: string; source: string }

const novo = { customer_name: 'Ana', address: 'Rua A, 1' }
const criar = async (de: string, corpo: object = novo): Promise<PedidoLido> => {
  const pedir = await bancada.como(de)
  const resposta = await pedir('/orders', json(corpo))
  expect(resposta.status).toBe(201)
  return (await resposta.json()) as PedidoLido
}
const transitar = async (de: string, id: string, corpo: object, headers = {}) => {
  const pedir = await bancada.como(de)
  return pedir(`/orders/${id}/transitions`, json(corpo, headers))
}
const historia = async (de: string, id: string): Promise<EventoLido[]> => {
  const pedir = await bancada.como(de)
  return (await (await pedir(`/orders/${id}/events`)).json()) as EventoLido[]
}

/** The shortest way of the machine to each status. */
const CAMINHOS: Readonly<Record<Status, readonly Status[]>> = {
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
const corpoDe = (status: Status) => ({ status, ...(status === 'DELIVERY_FAILED' && { reason: 'absent' }) })
const levar = async (de: string, para: Status): Promise<PedidoLido> => {
  let pedido = await criar(de)
  for (const status of CAMINHOS[para]) {
    const resposta = await transitar(de, pedido.id, corpoDe(status))
    expect([para, status, resposta.status]).toEqual([para, status, 200])
    pedido = (await resposta.json()) as PedidoLido
  }
  return pedido
}

describe('every pair of statuses', () => {
  test.each(STATUSES)('from %s exactly the arrows are walked; all else is 409 with what would be', async (de) => {
    for (const para of STATUSES) {
      const { id, version = 1 } = await levar('pares', de)
      const resposta = await transitar('pares', id, corpoDe(para))
      const aceitas = permitidas({ status: de, tentativas: de === 'DELIVERY_FAILED' ? 1 : 0 })
      if (aceitas.includes(para)) {
        expect([para, resposta.status]).toEqual([para, 200])
        expect(await resposta.json()).toMatchObject({ id, status: para, version: version + 1 })
      } else {
        expect([para, resposta.status]).toEqual([para, 409])
        expect(await resposta.json()).toMatchObject({
          codigo: 'transicao-invalida',
          permitidas: aceitas,
          atual: de,
          version,
        })
      }
    }
  })
})

test('after three failed attempts the parcel waits or goes back', async () => {
  const { id } = await levar('tentativas', 'DELIVERY_FAILED')
  for (let tentativa = 2; tentativa <= 3; tentativa += 1) {
    expect((await transitar('tentativas', id, { status: 'OUT_FOR_DELIVERY' })).status).toBe(200)
    expect((await transitar('tentativas', id, { status: 'DELIVERY_FAILED', reason: 'refused' })).status).toBe(200)
  }
  const resposta = await transitar('tentativas', id, { status: 'OUT_FOR_DELIVERY' })
  expect(await resposta.json()).toMatchObject({
    atual: 'DELIVERY_FAILED',
    permitidas: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
  })
  expect((await historia('tentativas', id)).filter(({ status }) => status === 'DELIVERY_FAILED')).toMatchObject([
    { attempt: 1 },
    { attempt: 2 },
    { attempt: 3 },
  ])
})

test('the version guards: a stale one is refused, and of many at once one wins', async () => {
  const { id } = await criar('versao')
  const respostas = await Promise.all(
    Array.from({ length: 8 }, () => transitar('versao', id, { status: 'IN_TRANSIT', version: 1 })),
  )
  expect(respostas.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
  const perdedora = respostas.find(({ status }) => status === 409)
  expect(await perdedora?.json()).toMatchObject({ codigo: 'versao-desatualizada', version: 2, atual: 'IN_TRANSIT' })
  expect(await historia('versao', id)).toHaveLength(2)
})

test('a transition that is sent again with its key is made once, and another one under the key is refused', async () => {
  const { id } = await criar('chave')
  const chave = { 'idempotency-key': 'k-1' }
  const primeira = await transitar('chave', id, { status: 'IN_TRANSIT' }, chave)
  const segunda = await transitar('chave', id, { status: 'IN_TRANSIT' }, chave)
  expect([primeira.status, segunda.status]).toEqual([200, 200])
  expect(segunda.headers.get('idempotent-replayed')).toBe('true')
  expect((await transitar('chave', id, { status: 'DELIVERED' }, chave)).status).toBe(422)
  expect(await historia('chave', id)).toHaveLength(2)
})

test('a cancellation ends an order before transport and turns it back afterwards; its key repeats it', async () => {
  const pedir = await bancada.como('cancela')
  const { id } = await criar('cancela')
  const cancelar = (qual: string) =>
    pedir(`/orders/${qual}/cancel`, json({ note: 'desistiu' }, { 'idempotency-key': qual }))
  expect(await (await cancelar(id)).json()).toMatchObject({ status: 'CANCELLED', version: 2 })
  const outraVez = await cancelar(id)
  expect([outraVez.status, outraVez.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
  expect((await pedir(`/orders/${id}/cancel`, { method: 'POST' })).status).toBe(409)
  const emTransporte = await levar('cancela', 'IN_TRANSIT')
  expect(await (await cancelar(emTransporte.id)).json()).toMatchObject({ status: 'RETURNING' })
  const entregue = await levar('cancela', 'DELIVERED')
  expect(await (await cancelar(entregue.id)).json()).toMatchObject({ status: 'RETURNING' })
})

test('a key that did something else cancels nothing, and is not taken for a cancellation', async () => {
  const pedir = await bancada.como('cancela-chave')
  const criado = await pedir('/orders', json({ customer_name: 'Ana', address: 'Rua A' }, { 'idempotency-key': 'k' }))
  const { id } = (await criado.json()) as PedidoLido
  await transitar('cancela-chave', id, { status: 'SEPARATED' }, { 'idempotency-key': 'k-2' })
  const cancelar = async (chave: string, corpo: object = {}) =>
    (await pedir(`/orders/${id}/cancel`, json(corpo, { 'idempotency-key': chave }))).status
  expect([await cancelar('k'), await cancelar('k-2')]).toEqual([422, 422])
  expect([await cancelar('k-3'), await cancelar('k-3'), await cancelar('k-3', { note: 'outra' })]).toEqual([
    200, 200, 422,
  ])
  expect(await historia('cancela-chave', id)).toHaveLength(3)
})

test('another merchant’s order is not there: neither to read, to move, nor to tell of', async () => {
  const { id } = await criar('dona')
  const pedir = await bancada.como('intrusa')
  const corpos: [string, RequestInit?][] = [
    [`/orders/${id}`],
    [`/orders/${id}/events`],
    [`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' })],
    [`/orders/${id}/cancel`, json({})],
    [`/orders/${id}/carrier-events`, json({ type: 'PO', status: 1, occurred_at: '2025-10-15T12:00:00Z' })],
    ['/orders/nenhum-id'],
  ]
  for (const [caminho, init] of corpos) expect([caminho, (await pedir(caminho, init)).status]).toEqual([caminho, 404])
  expect(await historia('dona', id)).toHaveLength(1)
  const soLe = await bancada.como('dona', ['entregas:ler'])
  expect((await soLe(`/orders/${id}/transitions`, json({ status: 'IN_TRANSIT' }))).status).toBe(403)
})

test('what has not happened yet is refused', async () => {
  const { id } = await criar('futuro')
  const resposta = await transitar('futuro', id, { status: 'IN_TRANSIT', occurred_at: '2025-10-15T12:45:00Z' })
  expect([resposta.status, await resposta.json()]).toMatchObject([422, { erros: [{ campo: 'occurred_at' }] }])
})

test('an order may be written down after the parcel has left: what happened before it is kept with its time', async () => {
  const { id } = await criar('passado')
  expect(
    (await transitar('passado', id, { status: 'IN_TRANSIT', occurred_at: '2025-10-01T23:00:00-03:00' })).status,
  ).toBe(200)
  expect(await historia('passado', id)).toMatchObject([{}, { occurred_at: '2025-10-02T02:00:00.000Z' }])
})

test('no sequence of calls, concurrent and repeated, skips or repeats a step', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.array(fc.record({ para: fc.constantFrom(...STATUSES), vezes: fc.integer({ min: 1, max: 3 }) }), {
          maxLength: 4,
        }),
        { maxLength: 5 },
      ),
      async (ondas) => {
        const { id } = await criar('sequencias')
        for (const onda of ondas) {
          await Promise.all(
            onda.flatMap(({ para, vezes }) =>
              Array.from({ length: vezes }, () => transitar('sequencias', id, corpoDe(para))),
            ),
          )
        }
        const eventos = await historia('sequencias', id)
        expect(eventos.map(({ seq }) => seq)).toEqual(eventos.map((_, i) => i + 1))
        let falhas = 0
        eventos.forEach(({ status, previous_status: anterior }, i) => {
          expect(anterior).toBe(eventos[i - 1]?.status ?? null)
          if (anterior !== null)
            expect(permitidas({ status: anterior as Status, tentativas: falhas })).toContain(status)
          if (status === 'DELIVERY_FAILED') falhas += 1
        })
      },
    ),
    { numRuns: 40 },
  )
})

test('the database itself refuses to change or forget an event, and the service’s role owns nothing', async () => {
  await criar('dono')
  await expect(bancada.sql`update evento set note = 'x'`).rejects.toMatchObject({ code: '42501' })
  await expect(bancada.sql`delete from evento`).rejects.toMatchObject({ code: '42501' })
  await expect(bancada.sql`delete from pedido`).rejects.toMatchObject({ code: '42501' })
  const dono = createSql({ url: bancada.ownerUrl, max: 1, name: 'dono' })
  try {
    await expect(dono`update evento set note = 'x'`).rejects.toThrow('append-only')
    await expect(dono`truncate evento`).rejects.toThrow('append-only')
  } finally {
    await closeSql(dono)
  }
})

test('positions have no gaps and follow the commits, whatever was refused in between', async () => {
  const [log] = await bancada.sql`
    select count(*)::int as n, max(posicao)::int as maior, (select ultima::int from posicao) as ultima from evento`
  expect([log?.['maior'], log?.['ultima']]).toEqual([log?.['n'], log?.['n']])
})

test('moving an order finds it by its key, also with a plan that was made while the table was empty', async () => {
  const [vazio] = await bancada.sql`select count(*)::int as n from pedido where comerciante_id = 'plano'`
  expect(vazio).toMatchObject({ n: 0 })
  const plano = await bancada.sql.unsafe(`explain (costs off) update pedido p set version = version
    from jsonb_to_recordset('[]'::jsonb) as c(pedido_id uuid, versao int) where p.id = c.pedido_id and p.version = c.versao`)
  const texto = plano.map((linha) => String(linha['QUERY PLAN'])).join('\n')
  expect(texto).toContain('pedido_pkey')
  expect(texto).not.toMatch(/Seq Scan on pedido|Hash|Merge/)
})
