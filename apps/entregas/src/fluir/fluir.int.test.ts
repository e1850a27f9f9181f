import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { createNovoId } from '@fluxo/shared/id'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { createDatabase, type TestDatabase, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { json, type PedidoLido } from '../../test/bancada.ts'
import { createInstancia, lerBanco, SEGREDO } from '../../test/instancia.ts'
import { createLeituraStore } from '../listar/store.ts'
import { createPedidoStore } from '../mover/store.ts'
import { darPasso } from './andar.ts'

type Instancia = Awaited<ReturnType<typeof createInstancia>>

let database: TestDatabase
let streamPrefix: string
let instancias: Instancia[]
let authorization: string
beforeEach(async () => {
  database = await createDatabase({ role: 'entregas', migrate: (url) => migrate({ database: 'entregas', url }) })
  streamPrefix = uniquePrefix('pedidos')
  instancias = []
  const scopes = ['entregas:escrever', 'entregas:ler']
  authorization = `Bearer ${await signToken({ secret: SEGREDO, comercianteId: 'loja', scopes, expiresInSeconds: 600 })}`
})
afterEach(async () => {
  await Promise.all(instancias.map((uma) => uma.fechar()))
  await database.drop()
})

const abrir = async (instancia: string, fluxo = { automatico: true, atrasoMs: 0 }): Promise<Instancia> => {
  const uma = await createInstancia({ databaseUrl: database.appUrl, streamPrefix, instancia, fluxo })
  instancias.push(uma)
  return uma
}
const pedir = (uma: Instancia, caminho: string, init: RequestInit = {}) =>
  uma.modulo.routes.request(caminho, {
    ...init,
    headers: { ...Object.fromEntries(new Headers(init.headers)), authorization },
  })
const criar = async (uma: Instancia, quantos: number): Promise<string[]> => {
  const ids: string[] = []
  const um = async (i: number) => {
    const resposta = await pedir(uma, '/orders', json({ customer_name: 'Ana', address: `Rua ${i}`, valor: 10 }))
    ids.push(((await resposta.json()) as PedidoLido).id)
  }
  await Promise.all(Array.from({ length: quantos }, (_, i) => um(i)))
  return ids
}
const DELIVERED = 6
const todosEntregues = async (quantos: number) => {
  await waitFor(async () => (await lerBanco(database.appUrl)).status[DELIVERED] === quantos, {
    timeoutMs: 25_000,
    what: `${quantos} orders delivered`,
  })
  // Every order took exactly its two steps, and nothing is left to do.
  expect(await lerBanco(database.appUrl)).toEqual({
    status: { [DELIVERED]: quantos },
    errados: 0,
    eventos: quantos * 3,
    passos: 0,
  })
}

test('two instances carry every order to its customer, each step once', async () => {
  const [a] = await Promise.all([abrir('a'), abrir('b')])
  await criar(a, 400)
  await todosEntregues(400)
})

test('a step waits for its time, also while nobody runs: a restart takes it when it is due', async () => {
  const antes = await abrir('a', { automatico: true, atrasoMs: 1_500 })
  const [id] = await criar(antes, 1)
  const sql = createSql({ url: database.appUrl, max: 1, name: 'teste' })
  await waitFor(async () => (await sql`select 1 from passo where vence_em > now()`).length === 1)
  await closeSql(sql)
  await antes.fechar()
  expect((await lerBanco(database.appUrl)).status).toEqual({ 0: 1 })
  const depois = await abrir('a', { automatico: true, atrasoMs: 0 })
  await todosEntregues(1)
  const eventos = (await (await pedir(depois, `/orders/${id}/events`)).json()) as { timestamp: string }[]
  const [recebido, emTransporte] = eventos.map(({ timestamp }) => Date.parse(timestamp))
  expect((emTransporte ?? 0) - (recebido ?? 0)).toBeGreaterThanOrEqual(1_400)
})

test('a clock that is ahead delays no order: a step waits its time from now at most', async () => {
  const agora = () => new Date(Date.now() + 3 * 3_600_000)
  const fluxo = { automatico: true, atrasoMs: 50 }
  const adiantada = await createInstancia({ databaseUrl: database.appUrl, streamPrefix, instancia: 'a', fluxo, agora })
  instancias.push(adiantada)
  await criar(adiantada, 3)
  await todosEntregues(3)
})

test('steps that a worker claimed and then died with are taken by another', async () => {
  const a = await abrir('a', { automatico: false, atrasoMs: 0 })
  const [id] = await criar(a, 1)
  const sql = createSql({ url: database.appUrl, max: 1, name: 'teste' })
  try {
    // What a dead worker leaves behind: a claim, which is a later due time.
    await sql`insert into passo (vence_em, versao, particao, de, para, pedido_id, comerciante_id)
      values (now() + interval '800 milliseconds', 1, 0, 0, 2, ${id ?? ''}, 'loja')`
  } finally {
    await closeSql(sql)
  }
  await a.fechar()
  await abrir('b')
  await todosEntregues(1)
})

test('a merchant who cancels wins over the worker or loses to it, and the worker sees why', async () => {
  const a = await abrir('a', { automatico: true, atrasoMs: 20 })
  const ids = await criar(a, 60)
  const respostas = await Promise.all(ids.map((id) => pedir(a, `/orders/${id}/cancel`, { method: 'POST' })))
  expect(respostas.every(({ status }) => status === 200)).toBe(true)
  await waitFor(async () => (await lerBanco(database.appUrl)).passos === 0)
  const { status, errados } = await lerBanco(database.appUrl)
  // Cancelled in time, or already under way and then turned back; never delivered after a cancellation.
  expect(Object.keys(status).filter((codigo) => !['7', '9'].includes(codigo))).toEqual([])
  expect(errados).toBe(0)
})

test('of two workers that reach for one step, one takes it and the other is told what became of the order', async () => {
  const a = await abrir('a', { automatico: false, atrasoMs: 0 })
  const [pedidoId = ''] = await criar(a, 1)
  await a.fechar()
  const sql = createSql({ url: database.appUrl, max: 4, name: 'teste' })
  try {
    const linhas: object[] = []
    const log = { info: (linha: object) => linhas.push(linha), warn: () => {} } as unknown as Logger
    const registry = new Registry()
    const leitura = createLeituraStore(sql)
    const trabalhador = () => ({
      sql,
      store: createPedidoStore({ sql, particoes: 1, onCommit: () => {} }),
      leitura,
      novoId: createNovoId(),
      agora: () => new Date(),
      log,
      registry,
      particoes: 1,
    })
    const passo = {
      pedidoId,
      comercianteId: 'loja',
      versao: 1,
      de: 'RECEIVED',
      para: 'IN_TRANSIT',
      rastro: undefined,
    } as const
    await Promise.all([darPasso(trabalhador(), passo), darPasso(trabalhador(), passo)])
    expect(linhas).toMatchObject([{ pedidoId, versao: 1, para: 'IN_TRANSIT', status: 'IN_TRANSIT', versaoAtual: 2 }])
    const metricas = await registry.metrics()
    expect(metricas).toContain('fluxo_fluxo_passos_total{desfecho="dado"} 1')
    expect(metricas).toContain('fluxo_fluxo_passos_total{desfecho="perdido"} 1')
  } finally {
    await closeSql(sql)
  }
})

test('Redis may lose everything: the log in the database brings every order home', async () => {
  const a = await abrir('a', { automatico: true, atrasoMs: 100 })
  await criar(a, 100)
  await a.redis.commands.unlink(`${streamPrefix}:{0}`)
  await criar(a, 50)
  await todosEntregues(150)
})

test('an entry that is no event of this log moves nothing and holds nothing up', async () => {
  const a = await abrir('a')
  await criar(a, 1)
  await todosEntregues(1)
  await a.redis.commands.xadd(`${streamPrefix}:{0}`, '4-0', 'e', '{"forged":true}')
  await criar(a, 3)
  await todosEntregues(4)
  expect(await a.registry.metrics()).toMatch(
    /fluxo_follow_unreadable_total\{group="entregas",particao="0",origem="stream"\} [1-9]/,
  )
})

test('the manual flow moves nothing by itself', async () => {
  const a = await abrir('a', { automatico: false, atrasoMs: 0 })
  const [id] = await criar(a, 1)
  await pedir(a, `/orders/${id}/transitions`, json({ status: 'SEPARATED' }))
  const sql = createSql({ url: database.appUrl, max: 1, name: 'teste' })
  try {
    await waitFor(async () => (await sql`select 1 from inbox_particao where aplicada_ate = 2`).length === 1)
  } finally {
    await closeSql(sql)
  }
  expect(await lerBanco(database.appUrl)).toMatchObject({ status: { 1: 1 }, eventos: 2, passos: 0 })
})
