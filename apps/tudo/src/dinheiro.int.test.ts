import { migrate } from '@fluxo/drizzle/migrate'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createDatabase, startOwnRedis, type TestDatabase } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTudo } from './main.ts'

const SEGREDO = 'segredo-de-teste-com-mais-de-32-bytes'
const ESCOPOS = ['entregas:escrever', 'entregas:ler', 'lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']

type Fluxo = { automatico: boolean; atrasoMs: number }

/** Everything in one process, over databases and a Redis of its own. */
const abrir = async (fluxo: Fluxo) => {
  const nomes = ['lancamentos', 'consolidado', 'entregas'] as const
  const databases = await Promise.all(
    nomes.map((database) => createDatabase({ role: database, migrate: (url) => migrate({ database, url }) })),
  )
  const [lancamentos = '', consolidado = '', entregas = ''] = databases.map(({ appUrl }) => appUrl)
  const redis = await startOwnRedis()
  const ledger = createSql({ url: lancamentos, max: 1, name: 'teste' })
  const pedidos = createSql({ url: entregas, max: 1, name: 'teste' })
  const tudo = await startTudo({
    port: 0,
    hostname: '127.0.0.1',
    databaseUrlLancamentos: lancamentos,
    databaseUrlConsolidado: consolidado,
    databaseUrlEntregas: entregas,
    redisUrl: redis.url,
    jwtSecret: SEGREDO,
    fluxo,
    limites: { LIMITE_ESCRITA_POR_SEGUNDO: 0, LIMITE_LEITURA_POR_SEGUNDO: 0, LIMITE_INSTANCIAS: 1 },
    logLevel: 'silent',
  })
  const fechar = async () => {
    await tudo.stop()
    await Promise.all([closeSql(ledger), closeSql(pedidos)])
    await redis.remove()
    await Promise.all(databases.map((database: TestDatabase) => database.drop()))
  }
  return { url: tudo.url, redis, ledger, pedidos, fechar }
}

let tudo: Awaited<ReturnType<typeof abrir>>
beforeAll(async () => {
  tudo = await abrir({ automatico: false, atrasoMs: 0 })
})
afterAll(() => tudo.fechar())

type Resposta = { id: string; status: string; saldo_final: number; quantidade: number }
const como = async (comercianteId: string) => {
  const token = await signToken({ secret: SEGREDO, comercianteId, scopes: ESCOPOS, expiresInSeconds: 600 })
  return async (caminho: string, corpo?: unknown): Promise<Resposta> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const init = corpo === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(corpo) }
    const resposta = await fetch(tudo.url + caminho, init)
    expect([caminho, resposta.ok]).toEqual([caminho, true])
    return (await resposta.json()) as Resposta
  }
}
type Pedir = Awaited<ReturnType<typeof como>>
const pedido = async (pedir: Pedir, valor?: number) =>
  (await pedir('/orders', { customer_name: 'Ana', address: 'Rua A', ...(valor !== undefined && { valor }) })).id
const levar = async (pedir: Pedir, id: string, passos: readonly [string, string][]) => {
  for (const [status, occurred_at] of passos) await pedir(`/orders/${id}/transitions`, { status, occurred_at })
}
const livros = (comerciante: string) =>
  tudo.ledger<{ tipo: number; valor: string; data: string; referencia: string | null; estorna: string | null }[]>`
    select tipo::int, valor::text, to_char(data, 'YYYY-MM-DD') as data, referencia, estorna::text
    from lancamentos where comerciante_id = ${comerciante} order by posicao`

const ENTREGA: readonly [string, string][] = [
  ['IN_TRANSIT', '2025-10-15T12:00:00Z'],
  // Still the 15th in São Paulo.
  ['DELIVERED', '2025-10-16T01:00:00Z'],
]

describe('the money of orders', () => {
  test('a paid delivery becomes one entry, on its day in São Paulo, and reaches the day’s balance', async () => {
    const pedir = await como('paga')
    const id = await pedido(pedir, 80.5)
    await levar(pedir, id, ENTREGA)
    await waitFor(async () => (await pedir('/consolidado/2025-10-15')).saldo_final === 80.5, { timeoutMs: 20_000 })
    expect(await livros('paga')).toEqual([
      { tipo: 1, valor: '8050', data: '2025-10-15', referencia: `pedido:${id}`, estorna: null },
    ])
  })

  test('an order without value, or never delivered, is no money', async () => {
    const pedir = await como('gratis')
    await levar(pedir, await pedido(pedir), ENTREGA)
    await pedir(`/orders/${await pedido(pedir, 5)}/cancel`, {})
    await levar(pedir, await pedido(pedir, 7), ENTREGA)
    await waitFor(async () => (await livros('gratis')).length > 0, { timeoutMs: 20_000 })
    expect(await livros('gratis')).toMatchObject([{ valor: '700' }])
  })

  test('a return after the delivery becomes its reversal, on the day it came back', async () => {
    const pedir = await como('devolve')
    const id = await pedido(pedir, 33)
    await levar(pedir, id, ENTREGA)
    expect(await pedir(`/orders/${id}/cancel`, { note: 'não serviu' })).toMatchObject({ status: 'RETURNING' })
    await levar(pedir, id, [['RETURNED', '2025-10-20T12:00:00Z']])
    await waitFor(async () => (await livros('devolve')).length === 2, { timeoutMs: 20_000 })
    expect(await livros('devolve')).toMatchObject([
      { tipo: 1, valor: '3300', data: '2025-10-15' },
      { tipo: -1, valor: '3300', data: '2025-10-20', estorna: expect.any(String) },
    ])
    await waitFor(async () => (await pedir('/consolidado/2025-10-20')).saldo_final === -33, { timeoutMs: 20_000 })
  })

  test('a delivery that the carrier takes back is reversed, and the true one is an entry of its own', async () => {
    const pedir = await como('corrige')
    const id = await pedido(pedir, 12)
    await pedir(`/orders/${id}/transitions`, { status: 'IN_TRANSIT', occurred_at: '2025-10-10T12:00:00Z' })
    const informar = (type: string, status: number, occurred_at: string) =>
      pedir(`/orders/${id}/carrier-events`, { type, status, occurred_at })
    await informar('BDE', 1, '2025-10-11T12:00:00Z')
    await informar('EST', 1, '2025-10-12T12:00:00Z')
    await informar('BDE', 1, '2025-10-13T12:00:00Z')
    await waitFor(async () => (await livros('corrige')).length === 3, { timeoutMs: 20_000 })
    expect((await livros('corrige')).map(({ tipo, data, referencia }) => [tipo, data, referencia])).toEqual(
      expect.arrayContaining([
        [1, '2025-10-11', `pedido:${id}`],
        [-1, '2025-10-12', null],
        [1, '2025-10-13', `pedido:${id}:2`],
      ]),
    )
  })

  test('once each, whatever is delivered again: the whole stream, from its beginning', async () => {
    const pedir = await como('repete')
    for (let i = 1; i <= 20; i += 1) await levar(pedir, await pedido(pedir, i), ENTREGA)
    await waitFor(async () => (await livros('repete')).length === 20, { timeoutMs: 20_000 })
    const log = createLogger({ service: 'teste', level: 'silent' })
    const { commands, close } = createRedisConnections({ url: tudo.redis.url, name: 'teste', log })
    try {
      const antes = (await livros('repete')).length
      await commands.xgroup('SETID', 'fluxo:pedidos:{0}', 'lancamentos', '0')
      await levar(pedir, await pedido(pedir, 99), ENTREGA)
      await waitFor(async () => (await livros('repete')).length > antes, { timeoutMs: 20_000 })
      await waitFor(async () => {
        const grupos = JSON.stringify(await commands.xinfo('GROUPS', 'fluxo:pedidos:{0}'))
        return /"lancamentos"[^\]]*"pending",0[^\]]*"lag",0/.test(grupos)
      })
      expect((await livros('repete')).length).toBe(21)
      // Redis loses everything: the ledger pulls what it misses from the feed.
      await commands.unlink('fluxo:pedidos:{0}')
      await levar(pedir, await pedido(pedir, 100), ENTREGA)
      await waitFor(async () => (await livros('repete')).length === 22, { timeoutMs: 20_000 })
    } finally {
      await close()
    }
  })
})

test('one trace runs from POST /orders through every step and the money of the order', async () => {
  const sozinho = await abrir({ automatico: true, atrasoMs: 0 })
  try {
    const TRACE = '0af7651916cd43dd8448eb211c80319c'
    const token = await signToken({ secret: SEGREDO, comercianteId: 'loja', scopes: ESCOPOS, expiresInSeconds: 600 })
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
    }
    const body = JSON.stringify({ customer_name: 'Ana', address: 'Rua A', valor: 80 })
    expect((await fetch(`${sozinho.url}/orders`, { method: 'POST', headers, body })).status).toBe(201)
    const rastros = (sql: typeof sozinho.ledger, tabela: string) =>
      sql<{ rastro: string | null }[]>`select rastro from ${sql(tabela)} order by posicao`
    await waitFor(async () => (await rastros(sozinho.ledger, 'lancamentos')).length === 1, { timeoutMs: 20_000 })
    const todos = [...(await rastros(sozinho.pedidos, 'evento')), ...(await rastros(sozinho.ledger, 'lancamentos'))]
    expect(todos.map(({ rastro }) => rastro?.slice(3, 35))).toEqual(Array(4).fill(TRACE))
    const hoje = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' }).format(new Date())
    await waitFor(
      async () => {
        const dia = await fetch(`${sozinho.url}/consolidado/${hoje}`, {
          headers: { authorization: headers.authorization },
        })
        return ((await dia.json()) as Resposta).saldo_final === 80
      },
      { timeoutMs: 20_000 },
    )
  } finally {
    await sozinho.fechar()
  }
})
