import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Bancada, createBancada, json } from '../../test/bancada.ts'

type Corpo = Record<string, unknown> & { id: string }

let bancada: Bancada
let loja: Awaited<ReturnType<Bancada['como']>>
beforeAll(async () => {
  bancada = await createBancada()
  loja = await bancada.como('loja-1')
})
beforeEach(() => {
  bancada.relogio.agora = new Date('2025-10-15T12:34:56.789Z')
})
afterAll(() => bancada.fechar())

const vender = async (): Promise<Corpo> => {
  const venda = { valor: 150.5, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-01' }
  return (await (await loja('/lancamentos', json(venda))).json()) as Corpo
}
const estornar = (id: string, init: RequestInit = { method: 'POST' }) => loja(`/lancamentos/${id}/estorno`, init)

test('answers 201 with the opposite entry, its address and its position; an empty body is enough', async () => {
  const venda = await vender()
  const resposta = await estornar(venda.id)
  expect(resposta.status).toBe(201)
  const texto = await resposta.text()
  expect(texto).toContain('"valor":150.50,')
  const estorno = JSON.parse(texto) as Corpo
  expect(estorno).toMatchObject({
    tipo: 'DEBITO',
    estorna: venda.id,
    descricao: 'Estorno: Venda',
    data: '2025-10-15',
  })
  expect(resposta.headers.get('location')).toBe(`/lancamentos/${estorno.id}`)
  expect(resposta.headers.get('fluxo-posicao')).toMatch(/^0:\d+$/)
  expect(await (await loja(`/lancamentos/${estorno.id}`)).text()).toBe(texto)
})

test('a second one is 409 with the id of the first, also out of 20 at once', async () => {
  const venda = await vender()
  const respostas = await Promise.all(Array.from({ length: 20 }, () => estornar(venda.id)))
  const criadas = await Promise.all(respostas.filter(({ status }) => status === 201).map((resposta) => resposta.json()))
  expect(criadas).toHaveLength(1)
  const [{ id }] = criadas as [Corpo]
  for (const resposta of respostas.filter(({ status }) => status !== 201)) {
    expect(resposta.status).toBe(409)
    expect(await resposta.json()).toMatchObject({ codigo: 'ja-estornado', id })
  }
})

test('the retry of a lost answer gets the same 201, also after midnight', async () => {
  const venda = await vender()
  const init = json({}, { 'idempotency-key': `k-${venda.id}` })
  const primeira = await (await estornar(venda.id, init)).text()
  bancada.relogio.agora = new Date('2025-10-20T12:00:00Z')
  const segunda = await estornar(venda.id, init)
  expect(segunda.status).toBe(201)
  expect(segunda.headers.get('idempotent-replayed')).toBe('true')
  expect(await segunda.text()).toBe(primeira)
})

test('the same key for something else is 422', async () => {
  const [a, b] = [await vender(), await vender()]
  const chave = { 'idempotency-key': `k-${a.id}` }
  await estornar(a.id, json({}, chave))
  for (const outra of [
    await estornar(b.id, json({}, chave)),
    await estornar(a.id, json({ descricao: 'outra' }, chave)),
  ]) {
    expect(outra.status).toBe(422)
    expect(await outra.json()).toMatchObject({ codigo: 'chave-reutilizada' })
  }
})

test('a reversal cannot be reversed', async () => {
  const venda = await vender()
  const { id } = (await (await estornar(venda.id)).json()) as Corpo
  const resposta = await estornar(id)
  expect(resposta.status).toBe(422)
  expect(await resposta.json()).toMatchObject({ codigo: 'estorno-de-estorno' })
})

test('what is not there, or is another merchant’s, is 404', async () => {
  const venda = await vender()
  const outra = await bancada.como('loja-2')
  for (const resposta of [
    await outra(`/lancamentos/${venda.id}/estorno`, { method: 'POST' }),
    await estornar('0198aaaa-0000-7000-8000-000000000000'),
    await estornar('abc'),
  ]) {
    expect(resposta.status).toBe(404)
  }
})

test('takes data and descricao, and names what is wrong', async () => {
  const venda = await vender()
  const errado = await estornar(venda.id, json({ data: '2025-02-30', descricao: '', valor: 1 }))
  expect(errado.status).toBe(422)
  const { erros } = (await errado.json()) as { erros: { campo: string }[] }
  expect(new Set(erros.map(({ campo }) => campo))).toEqual(new Set(['data', 'descricao', 'valor']))
  expect((await estornar(venda.id, { ...json('{'), method: 'POST' })).status).toBe(400)
  expect(
    (await estornar(venda.id, { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } })).status,
  ).toBe(415)
  const certo = await estornar(venda.id, json({ data: '2025-10-01', descricao: ' Devolvido ' }))
  expect(await certo.json()).toMatchObject({ data: '2025-10-01', descricao: 'Devolvido' })
})
