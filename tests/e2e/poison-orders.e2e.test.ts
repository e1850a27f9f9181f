import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'

const script = fileURLToPath(new URL('../../scripts/dlq.ts', import.meta.url))
const WAIT_MS = 30_000
const NOBODY = 'postgres://consolidado:x@127.0.0.1:9/consolidado'

describe('events of orders that a database refuses', () => {
  let all: System
  let orders: Sql
  beforeAll(async () => {
    all = await startSystem({
      lancamentos: 1,
      consolidado: 1,
      entregas: 1,
      avisos: 1,
      env: { AVISOS_LOOPBACK: 'true' },
    })
    orders = createSql({ url: all.databases.entregas.ownerUrl, max: 2, name: 'e2e' })
  })
  afterAll(async () => {
    if (orders !== undefined) await closeSql(orders)
    await all?.stop()
  })

  const ask = async (merchant: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const { Authorization: authorization } = await all.as(merchant)
    const post = { method: 'POST', headers: { authorization, 'content-type': 'application/json' } }
    const init = body === undefined ? { headers: { authorization } } : { ...post, body: JSON.stringify(body) }
    const answer = await fetch(all.url(path === '/webhooks' ? 'avisos' : 'entregas') + path, init)
    expect(answer.ok, `${path}: ${answer.status}`).toBe(true)
    return (await answer.json()) as Record<string, unknown>
  }
  const order = async (merchant: string): Promise<string> =>
    String((await ask(merchant, '/orders', { customer_name: 'Ana', address: 'Rua A', valor: 80 }))['id'])
  const becomes = (merchant: string, id: string, status: string) =>
    waitFor(async () => (await ask(merchant, `/orders/${id}`))['status'] === status, {
      timeoutMs: WAIT_MS,
      what: status,
    })
  /** Entries of the ledger that name an order. */
  const money = async (id: string): Promise<number> =>
    (await all.sql.lancamentos`select 1 from lancamentos where referencia = ${`pedido:${id}`}`).length

  const dlq = (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const env = {
      PATH: process.env['PATH'],
      // No `npm start` of this machine is asked.
      FLUXO_DATA: '/nonexistent',
      DATABASE_URL_LANCAMENTOS: all.databases.lancamentos.appUrl,
      DATABASE_URL_ENTREGAS: all.databases.entregas.appUrl,
      DATABASE_URL_AVISOS: all.databases.avisos.appUrl,
      ENTREGAS_ATRASO_MS: '0',
      ...more,
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env })
    return { status, lines: stdout.trim().split('\n'), stderr }
  }
  const letters = (...args: string[]): Record<string, unknown>[] =>
    dlq(['list', '--json', ...args]).lines.flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  const lettersAre = (groups: readonly string[]) =>
    waitFor(() => JSON.stringify(letters().map(({ grupo: group }) => group)) === JSON.stringify(groups), {
      timeoutMs: WAIT_MS,
      what: `letters of ${groups.join(' and ')}`,
    })
  const forgetStreams = async (): Promise<void> => {
    const log = createLogger({ service: 'e2e', level: 'fatal' })
    const redis = createRedisConnections({ url: all.redis.url, name: 'e2e', log })
    await redis.ready(5_000)
    await redis.commands.unlink('fluxo:pedidos:{0}')
    await redis.close()
  }

  it('hold nobody up in any group, are kept with their reasons, and are applied once by a redrive', async () => {
    await orders`alter table passo add constraint refuses check (comerciante_id <> 'loja-ruim')`
    await all.sql.avisos`alter table aviso add constraint refuses check (tipo <> 'pedido.entregue.v1')`
    await all.sql.lancamentos`alter table lancamentos add constraint refuses check (comerciante_id <> 'loja-ruim')`
    await ask('loja-boa', '/webhooks', { url: 'http://127.0.0.1:9/' })
    const bad = await order('loja-ruim')
    const good = await order('loja-boa')

    // The flow cannot plan the one, the webhooks cannot note the other's delivery, and all else goes on.
    await becomes('loja-boa', good, 'DELIVERED')
    await waitFor(async () => (await money(good)) === 1, { timeoutMs: WAIT_MS, what: 'the money of the good order' })
    await lettersAre(['entregas', 'avisos'])
    expect(letters('--de', 'entregas')).toMatchObject([
      { grupo: 'entregas', particao: 0, posicao: 1, motivo: 'SQLSTATE 23514', tentativas: 1 },
    ])
    expect(letters('--de', 'avisos')).toMatchObject([
      { grupo: 'avisos', particao: 0, motivo: 'SQLSTATE 23514', tentativas: 1 },
    ])
    expect(await ask('loja-ruim', `/orders/${bad}`)).toMatchObject({ status: 'RECEIVED' })

    // Only then have they to be applied by hand: until the log has said the same as the stream, repair asks it again and again.
    const passed = async () =>
      (await orders`select 1 from carta_morta where pulada_em is not null`).length === 1 &&
      (await all.sql.avisos`select 1 from carta_pedidos where pulada_em is not null`).length === 1
    await waitFor(passed, { timeoutMs: WAIT_MS, what: 'the word of the log' })

    // A redrive that fails leaves the letter with one more attempt; no more are tried than was said.
    expect(dlq(['redrive', '--de', 'entregas', '--limite', '1'])).toMatchObject({
      status: 0,
      lines: [expect.stringContaining('0:1  failed again: SQLSTATE 23514'), '0 applied, 1 failed again'],
    })
    expect(letters().map(({ tentativas: attempts }) => attempts)).toEqual([2, 1])

    // The letter holds the event: neither stream nor log is asked.
    await forgetStreams()
    await orders`alter table passo drop constraint refuses`
    await all.sql.avisos`alter table aviso drop constraint refuses`
    for (const database of ['entregas', 'avisos']) {
      expect(dlq(['redrive', '--de', database]).lines).toEqual(['1 applied, 0 failed again'])
      expect(dlq(['redrive', '--de', database]).lines).toEqual(['0 applied, 0 failed again'])
    }
    await becomes('loja-ruim', bad, 'DELIVERED')
    expect(await all.sql.avisos`select 1 from aviso where tipo = 'pedido.entregue.v1'`).toHaveLength(1)

    // Now its money cannot be registered.
    await lettersAre(['lancamentos'])
    const passedThere = async () =>
      (await all.sql.lancamentos`select 1 from carta_morta where pulada_em is not null`).length === 1
    await waitFor(passedThere, { timeoutMs: WAIT_MS, what: 'the word of the log' })
    expect(await money(bad)).toBe(0)
    await all.sql.lancamentos`alter table lancamentos drop constraint refuses`
    await forgetStreams()
    expect(dlq(['redrive']).lines).toEqual(['1 applied, 0 failed again'])
    expect(dlq(['redrive']).lines).toEqual(['0 applied, 0 failed again'])
    expect(await money(bad)).toBe(1)
    expect(letters()).toEqual([])
  })

  it('are listed of every database that answers, and one that is away is named', () => {
    const { status, lines, stderr } = dlq(['list'], { DATABASE_URL_CONSOLIDADO: NOBODY })
    expect({ status, last: lines.at(-1) }).toEqual({ status: 1, last: expect.stringMatching(/^\d+ dead letters$/) })
    expect(stderr).toMatch(/^fluxo: consolidado: .*ECONNREFUSED/)
  })
})
