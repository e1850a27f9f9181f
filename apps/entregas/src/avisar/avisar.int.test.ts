import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { mover, receber } from '../../test/casa.ts'
import { assinadaCom, type Criado, createPalco, type Palco } from '../../test/palco.ts'

let palco: Palco
let casa: Palco['casa']
let sql: Palco['sql']
let receptor: Palco['receptor']
let uma: Palco['uma']
let pedir: Palco['pedir']
let criar: Palco['criar']
let chegaram: Palco['chegaram']
let situacoes: Palco['situacoes']
beforeEach(async () => {
  palco = await createPalco()
  ;({ casa, sql, receptor, uma, pedir, criar, chegaram, situacoes } = palco)
})
afterEach(() => palco.fechar())

describe('a webhook', () => {
  test('tells of each event once, signed, in the words of GET /orders/{id}/events', async () => {
    const { id, secret } = await criar()
    const pedido = await receber(pedir)
    await mover(pedir, pedido, 'SEPARATED')
    await mover(pedir, pedido, 'IN_TRANSIT', { note: 'saiu' })
    await chegaram(3)
    const feitas = await situacoes(id, ['delivered', 'delivered', 'delivered'])
    expect(receptor.recebidas).toHaveLength(3)
    const eventos = (await (await pedir(`/orders/${pedido}/events`)).json()) as object[]
    const ditos = receptor.recebidas.map(({ body }) => JSON.parse(body) as { type: string; data: { seq: number } })
    expect(ditos.map(({ data }) => data).toSorted((a, b) => a.seq - b.seq)).toEqual(eventos)
    expect(ditos.map(({ type }) => type).toSorted()).toEqual([
      'pedido.em-transporte.v1',
      'pedido.recebido.v1',
      'pedido.separado.v1',
    ])
    for (const recebida of receptor.recebidas) {
      expect(recebida.headers['content-type']).toBe('application/json')
      expect(Math.abs(Date.now() / 1_000 - Number(recebida.headers['webhook-timestamp']))).toBeLessThan(300)
      expect(assinadaCom(secret, recebida)).toBe(true)
    }
    expect(new Set(receptor.recebidas.map(({ id: um }) => um))).toEqual(new Set(feitas.map(({ id: um }) => um)))
    expect(await uma.registry.metrics()).toContain('fluxo_avisos_tentativas_total{situacao="delivered"} 3')
  })

  test('hears only of what it asked for, of its own merchant, and of nothing before it was made', async () => {
    const pedido = await receber(pedir)
    const { id, events } = await criar({ events: ['pedido.cancelado.v1'] })
    const lido = await (await pedir(`/webhooks/${id}`)).json()
    expect([events, lido]).toEqual([['pedido.cancelado.v1'], expect.objectContaining({ events })])
    const outra = await uma.como('outra')
    await receber(outra)
    await mover(pedir, pedido, 'SEPARATED')
    await pedir(`/orders/${pedido}/cancel`, { method: 'POST' })
    const [entrega] = await situacoes(id, ['delivered'])
    expect(entrega?.type).toBe('pedido.cancelado.v1')
  })

  test('shows its secret when it is made and never again, and another merchant sees nothing of it', async () => {
    const { id, secret } = await criar()
    expect(secret).toMatch(/^whsec_/)
    const outra = await uma.como('outra')
    for (const caminho of ['/webhooks', `/webhooks/${id}`, `/webhooks/${id}/deliveries`]) {
      const texto = await (await pedir(caminho)).text()
      expect(texto).not.toContain('secret')
      expect(texto).not.toContain(secret)
    }
    expect(await (await outra('/webhooks')).json()).toEqual([])
    for (const [metodo, caminho] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/deliveries'],
      ['POST', '/test'],
      ['POST', '/secret'],
      ['POST', `/deliveries/msg_${id}/redeliver`],
    ] as const) {
      expect([metodo, caminho, (await outra(`/webhooks/${id}${caminho}`, { method: metodo })).status]).toEqual([
        metodo,
        caminho,
        404,
      ])
    }
    expect((await pedir('/webhooks/nada')).status).toBe(404)
    const soLe = await uma.como('loja', ['entregas:ler'])
    expect((await soLe('/webhooks', json({ url: receptor.url }))).status).toBe(403)
  })

  test('signs with both secrets after a rotation', async () => {
    const antes = await criar()
    const trocado = (await (await pedir(`/webhooks/${antes.id}/secret`, { method: 'POST' })).json()) as Criado
    expect(trocado.secret).not.toBe(antes.secret)
    await receber(pedir)
    await chegaram(1)
    const [recebida] = receptor.recebidas
    expect(recebida && [assinadaCom(antes.secret, recebida), assinadaCom(trocado.secret, recebida)]).toEqual([
      true,
      true,
    ])
  })

  test('that is removed is told of nothing more, and forgets its secret', async () => {
    receptor.responder(() => 500)
    const { id } = await criar()
    await receber(pedir)
    await chegaram(1)
    expect((await pedir(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await pedir(`/webhooks/${id}`)).status).toBe(404)
    await receber(pedir)
    await waitFor(async () => (await sql`select from inbox_avisos where aplicada_ate = 2`).length === 1)
    const linhas = await sql`select situacao::int, vence_em from aviso`
    expect(linhas).toEqual([{ situacao: 3, vence_em: null }])
    expect(await sql`select segredo from webhook`).toEqual([{ segredo: '' }])
  })

  test('that is removed is not sent what was noted in that very moment', async () => {
    const { id } = await criar()
    expect((await pedir(`/webhooks/${id}`, { method: 'DELETE' })).status).toBe(204)
    // What a statement leaves that read the webhook a moment before it was removed.
    await sql`insert into aviso (webhook_id, evento_id, tipo, vence_em) values (${id}, gen_random_uuid(), 'x', now())`
    await waitFor(async () => (await sql`select from aviso where situacao = 3 and vence_em is null`).length === 1)
    expect(receptor.recebidas).toEqual([])
  })

  test('is one of ten, however many are made at once', async () => {
    const respostas = await Promise.all(
      Array.from({ length: 40 }, async () => (await pedir('/webhooks', json({ url: receptor.url }))).status),
    )
    expect(respostas.filter((status) => status === 201)).toHaveLength(10)
    expect(respostas.filter((status) => status === 409)).toHaveLength(30)
    const [um] = (await (await pedir('/webhooks')).json()) as Criado[]
    await pedir(`/webhooks/${um?.id}`, { method: 'DELETE' })
    await criar()
  })

  test('is refused where its URL is no public target, or there are too many', async () => {
    const porta = await casa.abrir('b', { permiteLoopback: false })
    const doB = await porta.como('loja')
    for (const url of [receptor.url, 'https://169.254.169.254/', 'https://[::ffff:10.0.0.1]/', 'ftp://a.b', 7]) {
      const resposta = await doB('/webhooks', json({ url }))
      expect(resposta.status).toBe(422)
      expect(await resposta.json()).toMatchObject({ erros: [{ campo: 'url' }] })
    }
    expect((await doB('/webhooks', json({ url: 'https://loja.example/', events: ['nada'] }))).status).toBe(422)
    expect((await doB('/webhooks', json({ url: 'https://loja.example/', segredo: 'x' }))).status).toBe(422)
    for (let i = 0; i < 10; i += 1) await criar()
    expect((await pedir('/webhooks', json({ url: receptor.url }))).status).toBe(409)
  })
})
