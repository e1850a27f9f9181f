import { randomUUID } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createAuthority } from '@fluxo/tests/stage/certificates'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, type Pedir, receber } from '../../test/casa.ts'
import { createReceptor, type Recebida, type Receptor, type Resposta } from '../../test/receptor.ts'
import { createServidorDeNomes, type ServidorDeNomes } from '../../test/servidor-de-nomes.ts'

let casa: Casa
let uma: Instancia
let sql: Sql
let nomes: ServidorDeNomes
let receptor: Receptor
let vitima: Pedir
let chegadas: Map<string, number>
let dosOutros: (recebida: Recebida) => Resposta
beforeEach(async () => {
  // An authority is found by its name: no two tests' have the same.
  const autoridade = createAuthority(randomUUID())
  const certificado = autoridade.issue('*.loja.example')
  setDefaultCACertificates([...getCACertificates(), autoridade.cert])
  nomes = await createServidorDeNomes((nome) => (nome.endsWith('.mudo.example') ? 'calado' : ['127.0.0.1']))
  chegadas = new Map()
  dosOutros = () => 200
  receptor = await createReceptor((recebida) => {
    if (recebida.path !== '/vitima') return dosOutros(recebida)
    const { data } = JSON.parse(recebida.body) as { data: { order_id: string } }
    chegadas.set(data.order_id, performance.now())
    // No connection is kept, so each webhook of the victim needs its name.
    return { status: 200, headers: { connection: 'close' } }
  }, certificado)
  casa = await createCasa()
  uma = await casa.abrir('a', { permiteLoopback: true, pollMs: 20, servidores: nomes.servidores })
  sql = createSql({ url: casa.database.ownerUrl, max: 2, name: 'teste' })
  vitima = await uma.como('vitima')
  await webhook(vitima, receptor.em('vitima.loja.example', '/vitima'))
})
afterEach(async () => {
  await casa.fechar()
  await Promise.all([receptor.fechar(), nomes.fechar(), closeSql(sql)])
})

const webhook = async (por: Pedir, url: string): Promise<string> => {
  const resposta = await por('/webhooks', json({ url }))
  expect(resposta.status).toBe(201)
  return ((await resposta.json()) as { id: string }).id
}
const dez = Array.from({ length: 10 }, (_, i) => i)

/** Orders of the victim, one after the other, each told of; `ainda` must hold after each. Gives how late they were told of, in ms. */
const pedirUmAUm = async (quantos: number, ainda: () => Promise<boolean> | boolean = () => true): Promise<number[]> => {
  const atrasos: number[] = []
  for (let i = 0; i < quantos; i += 1) {
    const inicio = performance.now()
    const pedido = await receber(vitima)
    await waitFor(() => chegadas.has(pedido), { timeoutMs: 20_000, what: `the victim's webhook ${i}` })
    atrasos.push((chegadas.get(pedido) ?? 0) - inicio)
    expect(await ainda()).toBe(true)
  }
  return atrasos
}
const contar = (o_que: string, atrasos: readonly number[]): void => {
  const [ordem, ultimo] = [atrasos.toSorted((a, b) => a - b), atrasos.length - 1]
  const ms = (em: number): string => (ordem[Math.round(ultimo * em)] ?? 0).toFixed(0)
  console.info(`${o_que}: the victim's webhooks p50 ${ms(0.5)} ms, highest ${ms(1)} ms, of ${atrasos.length}`)
}
/** The victim lost nothing: each order was told at its first attempt. */
const semPerda = async (quantos: number): Promise<void> => {
  await waitFor(async () => (await doWebhookDaVitima('a.situacao = 1')) === quantos, { what: 'what came of them' })
  expect(await doWebhookDaVitima('a.tentativas = 1 and a.devolvido_em is null')).toBe(quantos)
}
const doWebhookDaVitima = async (que: string): Promise<number> => {
  const [{ n } = { n: 0 }] = await sql.unsafe<{ n: number }[]>(
    `select count(*)::int as n from aviso a join webhook w on w.id = a.webhook_id where w.comerciante_id = 'vitima' and ${que}`,
  )
  return n
}
const emVoo = async (): Promise<number> => Number(/fluxo_avisos_em_voo (\d+)/.exec(await uma.registry.metrics())?.[1])

test('names that no resolver answers hold up nobody else’s webhooks, and what was not sent is no attempt', async () => {
  const atacante = await uma.como('atacante')
  const ids = await Promise.all(dez.map((i) => webhook(atacante, `https://h${i}.mudo.example/x`)))
  await Promise.all(
    ids.flatMap((id) => Array.from({ length: 16 }, () => atacante(`/webhooks/${id}/test`, { method: 'POST' }))),
  )
  await waitFor(() => nomes.perguntas.some((nome) => nome.endsWith('.mudo.example')))
  const mudos = async () =>
    (await sql`select from aviso where tipo = 'webhook.teste' and devolvido_em is null`).length > 0
  contar('names that nobody resolves', await pedirUmAUm(10, mudos))
  await semPerda(10)
  await waitFor(async () => (await sql`select from aviso where motivo = 'nome não resolvido'`).length > 0, {
    timeoutMs: 20_000,
  })
  expect(
    await sql`select from aviso_tentativa t join aviso a on a.id = t.aviso_id where a.tipo = 'webhook.teste'`,
  ).toEqual([])
})

test('a receiver that fails closes no other merchant’s webhook at the same host', async () => {
  dosOutros = () => 500
  const atacante = await uma.como('atacante')
  const id = await webhook(atacante, receptor.em('vitima.loja.example', '/ruim'))
  for (let i = 0; i < 20; i += 1) await atacante(`/webhooks/${id}/test`, { method: 'POST' })
  const aberto = async () => (await uma.registry.metrics()).includes('fluxo_avisos_circuitos{estado="open"} 1')
  await waitFor(aberto, { what: 'the attacker’s circuit to open' })
  contar('a failing receiver at the same host', await pedirUmAUm(20, aberto))
  await semPerda(20)
})

test('a merchant with slow receivers and an import has its share of the places and no more', async () => {
  dosOutros = () => ({ status: 200, depoisMs: 12_000 })
  const atacante = await uma.como('atacante')
  // All at the host of the victim, whose connections are nobody's share.
  await Promise.all(dez.map((i) => webhook(atacante, receptor.em('vitima.loja.example', `/lento${i}`))))
  const linhas = Array.from({ length: 400 }, (_, i) => `Ana,"Rua A, ${i}"`)
  const arquivo = {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: ['customer_name,address', ...linhas].join('\n'),
  }
  expect((await atacante('/orders/importacoes', arquivo)).status).toBe(200)
  await waitFor(async () => (await emVoo()) === 64, { what: 'the attacker to have all of its places' })
  contar('slow receivers and an import', await pedirUmAUm(20, async () => (await emVoo()) <= 65))
  await semPerda(20)
})

test('where many merchants have taken every place, the next free one is for who has none', async () => {
  dosOutros = () => ({ status: 200, depoisMs: 300 })
  for (const i of dez.slice(0, 5)) {
    const atacante = await uma.como(`atacante-${i}`)
    await Promise.all(dez.map((n) => webhook(atacante, receptor.em('vitima.loja.example', `/lento${n}`))))
  }
  // What waits for a long time already comes before what is new: not here.
  await sql`
    insert into aviso (webhook_id, evento_id, tipo, vence_em)
    select w.id, gen_random_uuid(), 'webhook.teste', now() - interval '1 hour' from webhook w, generate_series(1, 400)
    where w.comerciante_id like 'atacante-%'`
  await waitFor(async () => (await emVoo()) >= 250, { what: 'every place to be taken' })
  const filaDosOutros = async () =>
    (await sql`select from aviso where vence_em < now() - interval '1 minute' limit 1`).length === 1
  contar('every place taken by five merchants', await pedirUmAUm(10, filaDosOutros))
  await semPerda(10)
})
