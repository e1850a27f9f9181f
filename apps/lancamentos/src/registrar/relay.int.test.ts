import { createReadPage } from '@fluxo/shared/log/pages'
import { particaoOf } from '@fluxo/shared/log/particao-of'
import { createRelay, type Relay } from '@fluxo/shared/log/relay'
import { createLease } from '@fluxo/shared/postgres/lease'
import { createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createRedisConnections, type RedisConnections } from '@fluxo/shared/redis/connection'
import { EVENTO_FIELD, streamKey } from '@fluxo/shared/stream/keys'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { createServiceDatabase, startOwnRedis, type TestDatabase } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LEDGER } from './ledger-table.ts'
import { createLancamentoStore } from './store.ts'

const log = createLogger({ service: 'test', level: 'fatal' })

describe.each([1, 4])('the relay with %i partition(s)', (particoes) => {
  let database: TestDatabase
  let server: Awaited<ReturnType<typeof startOwnRedis>>
  let redis: RedisConnections
  let sql: Sql
  const prefix = 'fluxo:relay'
  const relays: Relay[] = []

  const startRelay = (publisher = createPublisher({ redis: redis.commands, prefix })): Relay => {
    const relay = createRelay({
      name: 'lancamentos',
      sql,
      particoes,
      readPage: createReadPage(sql, LEDGER),
      publisher,
      lease: (p) => createLease({ url: database.appUrl, key: [77, p], name: 'relay', log }),
      log,
      registry: new Registry(),
      pageRowsMax: 50,
    })
    relays.push(relay)
    relay.start()
    return relay
  }
  const registrar = async (count: number): Promise<void> => {
    const transactions = createTransactions({ url: database.appUrl, max: 1, name: 'test' })
    const store = createLancamentoStore({ sql, transactions, particoes, onCommit: (p) => relays.at(-1)?.wake(p) })
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        store.registrar({
          lancamento: {
            id: v7(),
            comercianteId: `loja-${i % 11}`,
            tipo: 'CREDITO',
            valor: 1n,
            data: '2025-10-15',
            descricao: 'x',
            createdAt: new Date(),
          },
        }),
      ),
    )
    await transactions.close()
  }
  const ledger = async (): Promise<string[]> =>
    (await sql`select particao || ':' || posicao || '-0' as e from lancamentos order by particao, posicao`).map(
      (r) => r['e'],
    )
  const stream = async (): Promise<string[]> => {
    const all: string[] = []
    for (let p = 0; p < particoes; p += 1) {
      for (const [id] of await redis.commands.xrange(streamKey(prefix, p), '-', '+')) all.push(`${p}:${id}`)
    }
    return all
  }
  const published = () =>
    waitFor(async () => (await stream()).at(-1) !== undefined && (await stream()).join() === (await ledger()).join(), {
      what: 'the stream holds the ledger, each entry once and in order',
    })

  beforeAll(async () => {
    server = await startOwnRedis()
    database = await createServiceDatabase('lancamentos', { particoes })
    sql = createSql({ url: database.appUrl, max: 4, name: 'test' })
    redis = createRedisConnections({ url: server.url, name: 'test', log })
    await redis.ready(5_000)
  })
  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.stop()))
    await redis.close()
    await sql.end()
    await database.drop()
    await server.remove()
  })

  it('publishes every entry once and in order, with its address and its merchant’s partition', async () => {
    startRelay()
    await registrar(500)
    await published()
    const [entry] = await redis.commands.xrange(
      streamKey(prefix, particaoOf('loja-3', particoes)),
      '-',
      '+',
      'COUNT',
      1,
    )
    const evento = JSON.parse(entry?.[1][1] ?? '')
    expect(evento).toMatchObject({ specversion: '1.0', type: 'lancamento.registrado.v1', sequence: '0000000000000001' })
    expect(evento.data).not.toHaveProperty('descricao')
  })

  it('is taken over by another instance, which re-sends nothing and misses nothing', async () => {
    const first = relays.at(-1)
    const second = startRelay()
    expect(second.holding()).toEqual([])
    await Promise.all([registrar(300), first?.stop()])
    await waitFor(() => second.holding().length === particoes, { what: 'the second relay holds every lease' })
    await registrar(100)
    await published()
  })

  it('drops no stream and renews no epoch where the former holder still publishes while another takes over', async () => {
    await relays.at(-1)?.stop()
    const epoca = async () => (await sql`select epoca::text from log_estado`)[0]?.['epoca']
    const earlier = await epoca()
    const former = createPublisher({ redis: redis.commands, prefix })
    const late = new Set<number>()
    const drops: number[] = []
    startRelay({
      ...former,
      // What the former holder had in hand arrives after the new one has begun to look.
      tail: async (particao) => {
        if (!late.has(particao)) {
          await registrar(22)
          const from = (await former.tail(particao))?.posicao ?? 0
          await former.publish(particao, await createReadPage(sql, LEDGER)(particao, from, 50))
          late.add(particao)
        }
        return former.tail(particao)
      },
      reset: async (particao) => {
        drops.push(particao)
        await former.reset(particao)
      },
    })
    await waitFor(() => late.size === particoes, { what: 'a look at every partition' })
    await registrar(50)
    await published()
    expect([await epoca(), drops]).toEqual([earlier, []])
  })

  it('goes on from its cursor when Redis has lost everything', async () => {
    await waitFor(
      async () =>
        (await sql`select 1 from relay_cursor c join posicao p using (particao) where c.posicao < p.ultima`).length ===
        0,
      { what: 'the cursor rows reach the head' },
    )
    const before = await ledger()
    await redis.commands.flushall()
    await registrar(200)
    const after = (await ledger()).filter((address) => !before.includes(address))
    await waitFor(async () => (await stream()).join() === after.join(), {
      what: 'the stream holds what came after the loss',
    })
  })

  it('renews the epoch of a log that is older than what it published, and of no other', async () => {
    const epoca = async (): Promise<string> => (await sql`select epoca::text from log_estado`)[0]?.['epoca']
    /** Ends the relay, lets the stream end beyond the log with an event of this epoch, and has another one take over. */
    const withFuture = async (inEpoca: string): Promise<void> => {
      await relays.at(-1)?.stop()
      const key = streamKey(prefix, 0)
      await redis.commands.xadd(key, '1000000-0', EVENTO_FIELD, JSON.stringify({ id: v7(), epoca: inEpoca }))
      startRelay()
      await waitFor(async () => (await redis.commands.xrange(key, '1000000-0', '+')).length === 0, {
        what: 'the foreign stream is dropped',
      })
    }
    const earlier = await epoca()
    await withFuture('01890a5d-ac96-774b-bcce-b302099a8057')
    expect(await epoca()).toBe(earlier)
    await withFuture(earlier)
    await waitFor(async () => (await epoca()) !== earlier, { what: 'another epoch' })
  })
})
