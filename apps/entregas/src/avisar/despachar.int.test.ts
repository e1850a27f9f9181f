import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { receber } from '../../test/casa.ts'
import { assinadaCom, createPalco, type Entrega, type Palco } from '../../test/palco.ts'
import { createServidorDeNomes } from '../../test/servidor-de-nomes.ts'

let palco: Palco
let casa: Palco['casa']
let sql: Palco['sql']
let receptor: Palco['receptor']
let uma: Palco['uma']
let pedir: Palco['pedir']
let entregas: Palco['entregas']
let criar: Palco['criar']
let chegaram: Palco['chegaram']
let situacoes: Palco['situacoes']
let vencer: Palco['vencer']
beforeEach(async () => {
  palco = await createPalco()
  ;({ casa, sql, receptor, uma, pedir, entregas, criar, chegaram, situacoes, vencer } = palco)
})
afterEach(() => palco.fechar())

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

test('another schedule gives up where it ends', async () => {
  const outra = await casa.abrir('b', { permiteLoopback: true, pollMs: 20, esperasMs: [0, 10, 10] })
  await uma.fechar()
  receptor.responder(() => 400)
  const doB = await outra.como('loja')
  const { id } = await criar({}, doB)
  await receber(doB)
  await waitFor(async () => (await sql`select from aviso where webhook_id = ${id} and situacao = 2`).length === 1)
  expect(receptor.recebidas).toHaveLength(3)
})

test.each([
  [500, 'status 500'],
  [404, 'status 404'],
])(
  'a receiver that answers %s is left in peace: its circuit opens, nothing counts as an attempt then, and its log says why',
  async (status, falha) => {
    const porta = await casa.abrir('b', { permiteLoopback: true, pollMs: 20, descansoMs: 60_000 })
    await uma.fechar()
    receptor.responder(() => status)
    const doB = await porta.como('loja')
    const { id } = await criar({}, doB)
    for (let i = 0; i < 10; i += 1) await receber(doB)
    await waitFor(async () => (await porta.registry.metrics()).includes('fluxo_avisos_circuitos{estado="open"} 1'))
    for (let i = 0; i < 20; i += 1) await receber(doB)
    // A failed attempt waits for 36 s at most: what is due later was given back untried.
    const devolvidos = () => sql`select from aviso where vence_em > now() + interval '40 seconds'`
    await waitFor(async () => (await devolvidos()).length > 0, {
      timeoutMs: 20_000,
      what: 'deliveries to be given back',
    })
    await waitFor(async () => {
      const [{ n } = { n: 0 }] = await sql<{ n: number }[]>`
      select sum(tentativas)::int as n from aviso where webhook_id = ${id}`
      return n === receptor.recebidas.length
    })
    expect(receptor.recebidas.length).toBeLessThanOrEqual(10)
    const pagina = (await (await doB(`/webhooks/${id}/deliveries`)).json()) as { itens: Entrega[] }
    const devolvida = pagina.itens.find(({ held_reason }) => held_reason !== undefined)
    expect(devolvida).toMatchObject({
      status: 'pending',
      held_since: expect.any(String),
      held_reason: `em pausa: o destino vem falhando (${falha})`,
    })
  },
)

test('what was given back for as long as all attempts take together is given up, and a redelivery begins anew', async () => {
  const nomes = await createServidorDeNomes(() => 'falha')
  try {
    const porta = await casa.abrir('b', {
      permiteLoopback: true,
      pollMs: 20,
      descansoMs: 50,
      servidores: nomes.servidores,
    })
    await uma.fechar()
    const doB = await porta.como('loja')
    const { id } = await criar({ url: 'https://loja.example/' }, doB)
    await receber(doB)
    const entrega = async (): Promise<Entrega | undefined> =>
      ((await (await doB(`/webhooks/${id}/deliveries`)).json()) as { itens: Entrega[] }).itens[0]
    await waitFor(() => nomes.perguntas.length >= 3, { what: 'the name to be asked for again and again' })
    expect(await entrega()).toMatchObject({ status: 'pending', held_reason: 'nome não resolvido', attempts: [] })
    await sql`update aviso set devolvido_em = devolvido_em - interval '36 hours'`
    await waitFor(async () => (await entrega())?.status === 'exhausted')
    const fim = await entrega()
    expect(fim?.attempts).toEqual([])
    expect(fim?.held_reason).toContain('nome não resolvido')
    await waitFor(async () =>
      (await porta.registry.metrics()).includes('fluxo_avisos_tentativas_total{situacao="exhausted"} 1'),
    )
    const de_novo = await doB(`/webhooks/${id}/deliveries/${fim?.id}/redeliver`, { method: 'POST' })
    expect(de_novo.status).toBe(202)
    await waitFor(
      async () => (await sql`select from aviso where devolvido_em > now() - interval '1 minute'`).length === 1,
    )
    expect(await entrega()).toMatchObject({ status: 'pending', attempts: [] })
  } finally {
    await nomes.fechar()
  }
})
