import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'

type Body = Record<string, unknown> & { id: string }

let stage: LedgerTestApp
let merchant: Awaited<ReturnType<LedgerTestApp['askAs']>>
beforeAll(async () => {
  stage = await createLedgerTestApp()
  merchant = await stage.askAs('loja-1')
})
beforeEach(() => {
  stage.clock.now = new Date('2025-10-15T12:34:56.789Z')
})
afterAll(() => stage.close())

const vender = async (): Promise<Body> => {
  const sale = { valor: 150.5, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-01' }
  return (await (await merchant('/lancamentos', json(sale))).json()) as Body
}
const estornar = (id: string, init: RequestInit = { method: 'POST' }) => merchant(`/lancamentos/${id}/estorno`, init)

test('answers 201 with the opposite entry, its address and its position; an empty body is enough', async () => {
  const sale = await vender()
  const answer = await estornar(sale.id)
  expect(answer.status).toBe(201)
  const text = await answer.text()
  expect(text).toContain('"valor":150.50,')
  const estorno = JSON.parse(text) as Body
  expect(estorno).toMatchObject({
    tipo: 'DEBITO',
    estorna: sale.id,
    descricao: 'Estorno: Venda',
    data: '2025-10-15',
  })
  expect(answer.headers.get('location')).toBe(`/lancamentos/${estorno.id}`)
  expect(answer.headers.get('fluxo-posicao')).toMatch(/^0:\d+$/)
  expect(await (await merchant(`/lancamentos/${estorno.id}`)).text()).toBe(text)
})

test('a second one is 409 with the id of the first, also out of 20 at once', async () => {
  const sale = await vender()
  const answers = await Promise.all(Array.from({ length: 20 }, () => estornar(sale.id)))
  const created = await Promise.all(answers.filter(({ status }) => status === 201).map((answer) => answer.json()))
  expect(created).toHaveLength(1)
  const [{ id }] = created as [Body]
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expect(answer.status).toBe(409)
    expect(await answer.json()).toMatchObject({ codigo: 'ja-estornado', id })
  }
})

test('the retry of a lost answer gets the same 201, also after midnight', async () => {
  const sale = await vender()
  const init = json({}, { 'idempotency-key': `k-${sale.id}` })
  const first = await (await estornar(sale.id, init)).text()
  stage.clock.now = new Date('2025-10-20T12:00:00Z')
  const second = await estornar(sale.id, init)
  expect(second.status).toBe(201)
  expect(second.headers.get('idempotent-replayed')).toBe('true')
  expect(await second.text()).toBe(first)
})

test('the same key for something else is 422', async () => {
  const [a, b] = [await vender(), await vender()]
  const chave = { 'idempotency-key': `k-${a.id}` }
  await estornar(a.id, json({}, chave))
  for (const other of [
    await estornar(b.id, json({}, chave)),
    await estornar(a.id, json({ descricao: 'outra' }, chave)),
  ]) {
    expect(other.status).toBe(422)
    expect(await other.json()).toMatchObject({ codigo: 'chave-reutilizada' })
  }
})

test('a reversal cannot be reversed', async () => {
  const sale = await vender()
  const { id } = (await (await estornar(sale.id)).json()) as Body
  const answer = await estornar(id)
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({ codigo: 'estorno-de-estorno' })
})

test('what is not there, or is another merchant’s, is 404', async () => {
  const sale = await vender()
  const other = await stage.askAs('loja-2')
  for (const answer of [
    await other(`/lancamentos/${sale.id}/estorno`, { method: 'POST' }),
    await estornar('0198aaaa-0000-7000-8000-000000000000'),
    await estornar('abc'),
  ]) {
    expect(answer.status).toBe(404)
  }
})

test('takes data and descricao, and names what is wrong', async () => {
  const sale = await vender()
  const wrong = await estornar(sale.id, json({ data: '2025-02-30', descricao: '', valor: 1 }))
  expect(wrong.status).toBe(422)
  const { erros: errors } = (await wrong.json()) as { erros: { campo: string }[] }
  expect(new Set(errors.map(({ campo }) => campo))).toEqual(new Set(['data', 'descricao', 'valor']))
  expect((await estornar(sale.id, { ...json('{'), method: 'POST' })).status).toBe(400)
  expect(
    (await estornar(sale.id, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })).status,
  ).toBe(415)
  const correct = await estornar(sale.id, json({ data: '2025-10-01', descricao: ' Devolvido ' }))
  expect(await correct.json()).toMatchObject({ data: '2025-10-01', descricao: 'Devolvido' })
})
