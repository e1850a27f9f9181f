import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createServiceDatabase, startOwnRedis, type TestDatabase } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAll } from './main.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const SCOPES = ['entregas:escrever', 'entregas:ler', 'lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']

type Fluxo = { automatic: boolean; delayMs: number }

/** Everything in one process, over databases and a Redis of its own. */
const open = async (fluxo: Fluxo) => {
  const names = ['lancamentos', 'consolidado', 'entregas', 'avisos'] as const
  const databases = await Promise.all(names.map((database) => createServiceDatabase(database)))
  const [lancamentos = '', consolidado = '', entregas = '', avisos = ''] = databases.map(({ appUrl }) => appUrl)
  const redis = await startOwnRedis()
  const ledger = createSql({ url: lancamentos, max: 1, name: 'teste' })
  const pedidos = createSql({ url: entregas, max: 1, name: 'teste' })
  const tudo = await startAll({
    port: 0,
    hostname: '127.0.0.1',
    databaseUrls: { lancamentos, consolidado, entregas, avisos },
    redisUrl: redis.url,
    jwtSecret: SECRET,
    fluxo,
    limits: { LIMITE_ESCRITA_POR_SEGUNDO: 0, LIMITE_LEITURA_POR_SEGUNDO: 0, LIMITE_INSTANCIAS: 1 },
    logLevel: 'silent',
  })
  const stopAll = async () => {
    await tudo.stop()
    await Promise.all([closeSql(ledger), closeSql(pedidos)])
    await redis.remove()
    await Promise.all(databases.map((database: TestDatabase) => database.drop()))
  }
  return { url: tudo.url, redis, ledger, pedidos, close: stopAll }
}

let tudo: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  tudo = await open({ automatic: false, delayMs: 0 })
})
afterAll(() => tudo.close())

type Answer = { id: string; status: string; saldo_final: number; quantidade: number }
const askAs = async (comercianteId: string) => {
  const token = await signToken({ secret: SECRET, comercianteId, scopes: SCOPES, expiresInSeconds: 600 })
  return async (path: string, json?: unknown): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const init = json === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(json) }
    const answer = await fetch(tudo.url + path, init)
    expect([path, answer.ok]).toEqual([path, true])
    return (await answer.json()) as Answer
  }
}
type Ask = Awaited<ReturnType<typeof askAs>>
const pedido = async (ask: Ask, valor?: number) =>
  (await ask('/orders', { customer_name: 'Ana', address: 'Rua A', ...(valor !== undefined && { valor }) })).id
const bring = async (ask: Ask, id: string, passos: readonly [string, string][]) => {
  for (const [status, occurred_at] of passos) await ask(`/orders/${id}/transitions`, { status, occurred_at })
}
const ledgerRows = (comerciante: string) =>
  tudo.ledger<{ tipo: number; valor: string; data: string; referencia: string | null; estorna: string | null }[]>`
    select tipo::int, valor::text, to_char(data, 'YYYY-MM-DD') as data, referencia, estorna::text
    from lancamentos where comerciante_id = ${comerciante} order by posicao`

const DELIVERY: readonly [string, string][] = [
  ['IN_TRANSIT', '2025-10-15T12:00:00Z'],
  // Still the 15th in São Paulo.
  ['DELIVERED', '2025-10-16T01:00:00Z'],
]

describe('the money of orders', () => {
  test('a paid delivery becomes one entry, on its day in São Paulo, and reaches the day’s balance', async () => {
    const ask = await askAs('paga')
    const id = await pedido(ask, 80.5)
    await bring(ask, id, DELIVERY)
    await waitFor(async () => (await ask('/consolidado/2025-10-15')).saldo_final === 80.5, { timeoutMs: 20_000 })
    expect(await ledgerRows('paga')).toEqual([
      { tipo: 1, valor: '8050', data: '2025-10-15', referencia: `pedido:${id}`, estorna: null },
    ])
  })

  test('an order without value, or never delivered, is no money', async () => {
    const ask = await askAs('gratis')
    await bring(ask, await pedido(ask), DELIVERY)
    await ask(`/orders/${await pedido(ask, 5)}/cancel`, {})
    await bring(ask, await pedido(ask, 7), DELIVERY)
    await waitFor(async () => (await ledgerRows('gratis')).length > 0, { timeoutMs: 20_000 })
    expect(await ledgerRows('gratis')).toMatchObject([{ valor: '700' }])
  })

  test('a return after the delivery becomes its reversal, on the day it came back', async () => {
    const ask = await askAs('devolve')
    const id = await pedido(ask, 33)
    await bring(ask, id, DELIVERY)
    expect(await ask(`/orders/${id}/cancel`, { note: 'não serviu' })).toMatchObject({ status: 'RETURNING' })
    await bring(ask, id, [['RETURNED', '2025-10-20T12:00:00Z']])
    await waitFor(async () => (await ledgerRows('devolve')).length === 2, { timeoutMs: 20_000 })
    expect(await ledgerRows('devolve')).toMatchObject([
      { tipo: 1, valor: '3300', data: '2025-10-15' },
      { tipo: -1, valor: '3300', data: '2025-10-20', estorna: expect.any(String) },
    ])
    await waitFor(async () => (await ask('/consolidado/2025-10-20')).saldo_final === -33, { timeoutMs: 20_000 })
  })

  test('a delivery that the carrier takes back is reversed, and the true one is an entry of its own', async () => {
    const ask = await askAs('corrige')
    const id = await pedido(ask, 12)
    await ask(`/orders/${id}/transitions`, { status: 'IN_TRANSIT', occurred_at: '2025-10-10T12:00:00Z' })
    const informar = (type: string, status: number, occurred_at: string) =>
      ask(`/orders/${id}/carrier-events`, { type, status, occurred_at })
    await informar('BDE', 1, '2025-10-11T12:00:00Z')
    await informar('EST', 1, '2025-10-12T12:00:00Z')
    await informar('BDE', 1, '2025-10-13T12:00:00Z')
    await waitFor(async () => (await ledgerRows('corrige')).length === 3, { timeoutMs: 20_000 })
    expect((await ledgerRows('corrige')).map(({ tipo, data, referencia }) => [tipo, data, referencia])).toEqual(
      expect.arrayContaining([
        [1, '2025-10-11', `pedido:${id}`],
        [-1, '2025-10-12', null],
        [1, '2025-10-13', `pedido:${id}:2`],
      ]),
    )
  })

  test('once each, whatever is delivered again: the whole stream, from its beginning', async () => {
    const ask = await askAs('repete')
    for (let i = 1; i <= 20; i += 1) await bring(ask, await pedido(ask, i), DELIVERY)
    await waitFor(async () => (await ledgerRows('repete')).length === 20, { timeoutMs: 20_000 })
    const log = createLogger({ service: 'teste', level: 'silent' })
    const { commands, close } = createRedisConnections({ url: tudo.redis.url, name: 'teste', log })
    try {
      const before = (await ledgerRows('repete')).length
      await commands.xgroup('SETID', 'fluxo:pedidos:{0}', 'lancamentos', '0')
      await bring(ask, await pedido(ask, 99), DELIVERY)
      await waitFor(async () => (await ledgerRows('repete')).length > before, { timeoutMs: 20_000 })
      await waitFor(async () => {
        const groups = JSON.stringify(await commands.xinfo('GROUPS', 'fluxo:pedidos:{0}'))
        return /"lancamentos"[^\]]*"pending",0[^\]]*"lag",0/.test(groups)
      })
      expect((await ledgerRows('repete')).length).toBe(21)
      // Redis loses everything: the ledger pulls what it misses from the feed.
      await commands.unlink('fluxo:pedidos:{0}')
      await bring(ask, await pedido(ask, 100), DELIVERY)
      await waitFor(async () => (await ledgerRows('repete')).length === 22, { timeoutMs: 20_000 })
    } finally {
      await close()
    }
  })
})

test('one trace runs from POST /orders through every step and the money of the order', async () => {
  const alone = await open({ automatic: true, delayMs: 0 })
  try {
    const TRACE = '0af7651916cd43dd8448eb211c80319c'
    const token = await signToken({ secret: SECRET, comercianteId: 'loja', scopes: SCOPES, expiresInSeconds: 600 })
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
    }
    const body = JSON.stringify({ customer_name: 'Ana', address: 'Rua A', valor: 80 })
    expect((await fetch(`${alone.url}/orders`, { method: 'POST', headers, body })).status).toBe(201)
    const traceparents = (sql: typeof alone.ledger, table: string) =>
      sql<{ rastro: string | null }[]>`select rastro from ${sql(table)} order by posicao`
    await waitFor(async () => (await traceparents(alone.ledger, 'lancamentos')).length === 1, { timeoutMs: 20_000 })
    const all = [...(await traceparents(alone.pedidos, 'evento')), ...(await traceparents(alone.ledger, 'lancamentos'))]
    expect(all.map(({ rastro: traceparent }) => traceparent?.slice(3, 35))).toEqual(Array(4).fill(TRACE))
    const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' }).format(new Date())
    await waitFor(
      async () => {
        const day = await fetch(`${alone.url}/consolidado/${today}`, {
          headers: { authorization: headers.authorization },
        })
        return ((await day.json()) as Answer).saldo_final === 80
      },
      { timeoutMs: 20_000 },
    )
  } finally {
    await alone.close()
  }
})
