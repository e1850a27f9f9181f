import { createHmac } from 'node:crypto'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/shared/testing/wait-for'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, mover, type Pedir, receber } from '../../test/casa.ts'
import { createReceptor, type Recebida, type Receptor } from '../../test/receptor.ts'

type Criado = { id: string; secret: string }
type Entrega = {
  id: string
  type: string
  status: string
  next_attempt_at?: string
  attempts: { attempt: number; status?: number; error?: string; response?: string }[]
}

let casa: Casa
let sql: Sql
let receptor: Receptor
let uma: Instancia
let pedir: Pedir
beforeEach(async () => {
  casa = await createCasa()
  sql = createSql({ url: casa.database.ownerUrl, max: 2, name: 'teste' })
  receptor = await createReceptor()
  uma = await casa.abrir('a')
  pedir = await uma.como('loja')
})
afterEach(async () => {
  await casa.fechar()
  await receptor.fechar()
  await closeSql(sql)
})

const criar = async (corpo: object = {}, por = pedir): Promise<Criado> => {
  const resposta = await por('/webhooks', json({ url: receptor.url, ...corpo }))
  expect(resposta.status).toBe(201)
  return (await resposta.json()) as Criado
}
const entregas = async (id: string, consulta = ''): Promise<Entrega[]> =>
  ((await (await pedir(`/webhooks/${id}/deliveries${consulta}`)).json()) as { itens: Entrega[] }).itens
const chegaram = (quantas: number) =>
  waitFor(() => receptor.recebidas.length >= quantas, { timeoutMs: 20_000, what: `${quantas} webhooks` })
const situacoes = async (id: string, esperadas: readonly string[]): Promise<Entrega[]> => {
  await waitFor(async () => (await entregas(id)).map(({ status }) => status).join() === esperadas.join(), {
    timeoutMs: 20_000,
    what: `deliveries ${esperadas.join()}`,
  })
  return entregas(id)
}
/** What waits for its next attempt is due now. */
const vencer = () => sql`update aviso set vence_em = now() where vence_em is not null`
const assinadaCom = (segredo: string, { headers, body, id }: Recebida): boolean => {
  const chave = Buffer.from(segredo.slice('whsec_'.length), 'base64')
  const texto = `${id}.${String(headers['webhook-timestamp'])}.${body}`
  const assinatura = `v1,${createHmac('sha256', chave).update(texto).digest('base64')}`
  return String(headers['webhook-signature']).split(' ').includes(assinatura)
}

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
    const { id } = await criar({ events: ['pedido.cancelado.v1'] })
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

describe('a delivery', () => {
  test('that fails is tried again with the same webhook-id, and its log tells each attempt', async () => {
    const respostas = [
      { status: 503, body: 'volte\nmais tarde' },
      { status: 302, headers: { location: `${receptor.url}/x` } },
      { status: 200 },
    ]
    receptor.responder(() => respostas.shift() ?? 500)
    const { id } = await criar()
    await receber(pedir)
    for (const feitas of [1, 2]) {
      await waitFor(async () => (await entregas(id))[0]?.attempts.length === feitas)
      const [entrega] = await entregas(id)
      const espera = Date.parse(entrega?.next_attempt_at ?? '') - Date.now()
      expect(espera).toBeGreaterThan(feitas === 1 ? 20_000 : 280_000)
      expect(espera).toBeLessThanOrEqual(feitas === 1 ? 36_000 : 360_000)
      await vencer()
    }
    const [entrega] = await situacoes(id, ['delivered'])
    expect(entrega?.attempts.map(({ status, response }) => [status, response])).toEqual([
      [503, 'volte mais tarde'],
      [302, undefined],
      [200, undefined],
    ])
    // The redirect was not followed, and a repeated message is known by its id.
    expect(receptor.recebidas.map(({ path }) => path)).toEqual(['/avisos', '/avisos', '/avisos'])
    expect(new Set(receptor.recebidas.map(({ id: um }) => um)).size).toBe(1)
  })

  test('is given up after seven attempts, and a redelivery begins anew', async () => {
    receptor.responder(() => 400)
    const { id } = await criar()
    await receber(pedir)
    for (let feitas = 1; feitas <= 7; feitas += 1) {
      await waitFor(async () => (await entregas(id))[0]?.attempts.length === feitas)
      await vencer()
    }
    const [entrega] = await situacoes(id, ['exhausted'])
    expect(entrega?.next_attempt_at).toBeUndefined()
    receptor.responder(() => 200)
    const de_novo = await pedir(`/webhooks/${id}/deliveries/${entrega?.id}/redeliver`, { method: 'POST' })
    expect([de_novo.status, await de_novo.json()]).toMatchObject([202, { id: entrega?.id, status: 'pending' }])
    const [depois] = await situacoes(id, ['delivered'])
    expect(depois?.attempts).toHaveLength(8)
    expect((await pedir(`/webhooks/${id}/deliveries/msg_${id}/redeliver`, { method: 'POST' })).status).toBe(404)
    expect((await pedir(`/webhooks/${id}/deliveries/nada/redeliver`, { method: 'POST' })).status).toBe(404)
  })

  test('answered with 410 ends its webhook, and what waits for it', async () => {
    receptor.responder(() => 410)
    const { id } = await criar()
    await receber(pedir)
    await situacoes(id, ['cancelled'])
    await waitFor(
      async () => ((await (await pedir(`/webhooks/${id}`)).json()) as { status: string }).status === 'disabled',
    )
    await receber(pedir)
    await waitFor(async () => (await sql`select from inbox_avisos where aplicada_ate = 2`).length === 1)
    expect(receptor.recebidas).toHaveLength(1)
    for (const caminho of ['/test', `/deliveries/${receptor.recebidas[0]?.id}/redeliver`]) {
      expect((await pedir(`/webhooks/${id}${caminho}`, { method: 'POST' })).status).toBe(409)
    }
  })

  test('survives its instance: what one took and did not note, another sends when the claim ends', async () => {
    receptor.responder(() => 'nunca')
    const { id } = await criar()
    await receber(pedir)
    await chegaram(1)
    // As a killed instance leaves it: taken, and nothing noted.
    await sql`update aviso set vence_em = now()`
    receptor.responder(() => 200)
    await casa.abrir('b')
    await situacoes(id, ['delivered'])
    expect(new Set(receptor.recebidas.map((uma_) => uma_.id)).size).toBe(1)
  })

  test('a test message goes the same way', async () => {
    const { id, secret } = await criar()
    const resposta = await pedir(`/webhooks/${id}/test`, { method: 'POST' })
    expect([resposta.status, await resposta.json()]).toMatchObject([202, { type: 'webhook.teste' }])
    await chegaram(1)
    const [recebida] = receptor.recebidas
    expect(recebida && assinadaCom(secret, recebida)).toBe(true)
    expect(JSON.parse(recebida?.body ?? '')).toMatchObject({ type: 'webhook.teste' })
  })

  test('pages of the log follow each other without a gap', async () => {
    const { id } = await criar()
    for (let i = 0; i < 5; i += 1) await receber(pedir)
    await situacoes(
      id,
      Array.from({ length: 5 }, () => 'delivered'),
    )
    const vistos: string[] = []
    let cursor = ''
    do {
      const resposta = await pedir(`/webhooks/${id}/deliveries?limite=2${cursor}`)
      const pagina = (await resposta.json()) as { itens: Entrega[]; proximo: string | null }
      vistos.push(...pagina.itens.map((um) => um.id))
      cursor = pagina.proximo === null ? '' : `&cursor=${pagina.proximo}`
    } while (cursor !== '')
    expect(vistos).toEqual((await entregas(id)).map((um) => um.id))
    expect(vistos).toHaveLength(5)
    expect((await pedir(`/webhooks/${id}/deliveries?cursor=forjado`)).status).toBe(400)
  })
})

test('two instances deliver each event, Redis losing its streams in between, and none is missing', async () => {
  const { id } = await criar()
  await casa.abrir('b')
  for (let i = 0; i < 40; i += 1) await receber(pedir)
  await uma.redis.commands.unlink(`${casa.streamPrefix}:{0}`)
  for (let i = 0; i < 40; i += 1) await receber(pedir)
  await waitFor(async () => (await sql`select from aviso where situacao = 1`).length === 80, { timeoutMs: 25_000 })
  const ditos = receptor.recebidas.map(({ body }) => (JSON.parse(body) as { data: { id: string } }).data.id)
  expect(new Set(ditos).size).toBe(80)
  expect(await sql`select count(*)::int as n from aviso where webhook_id = ${id}`).toEqual([{ n: 80 }])
})

test('a receiver that is down is left in peace: its circuit opens, and nothing counts as an attempt then', async () => {
  const porta = await casa.abrir('b', { permiteLoopback: true, pollMs: 20, descansoMs: 60_000 })
  await uma.fechar()
  receptor.responder(() => 500)
  const doB = await porta.como('loja')
  const { id } = await criar({}, doB)
  for (let i = 0; i < 30; i += 1) await receber(doB)
  await waitFor(async () => (await porta.registry.metrics()).includes('fluxo_avisos_circuitos{estado="open"} 1'))
  await waitFor(async () => (await sql`select from aviso where vence_em <= now() + interval '30 seconds'`).length === 0)
  const tentadas = receptor.recebidas.length
  const [{ n } = { n: 0 }] = await sql<
    { n: number }[]
  >`select sum(tentativas)::int as n from aviso where webhook_id = ${id}`
  expect(n).toBe(tentadas)
  expect(tentadas).toBeLessThan(30)
})
