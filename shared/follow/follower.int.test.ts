import { randomUUID } from 'node:crypto'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLease } from '../postgres/lease.ts'
import { closeSql, createSql, type Sql } from '../postgres/sql.ts'
import { createRedisConnections, type RedisConnections } from '../redis/connection.ts'
import { createPublisher } from '../stream/publisher.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createDatabase, redisUrl, type TestDatabase, uniquePrefix } from '../testing/databases.ts'
import { waitFor } from '../testing/wait-for.ts'
import { lerCartas } from './dead-letters.ts'
import { createFollower, type Follower } from './follower.ts'

const log = createLogger({ service: 'teste', level: 'silent' })
const epoca = randomUUID()
const registry = new Registry()
const streamPrefix = uniquePrefix('seguir')

/** A log of the test's own: position → text of an event. */
const eventos: string[] = []
const evento = (corpo: object): string => JSON.stringify({ id: randomUUID(), epoca, ...corpo })

let database: TestDatabase
let sql: Sql
let redis: RedisConnections
let follower: Follower
beforeAll(async () => {
  database = await createDatabase()
  sql = createSql({ url: database.appUrl, max: 3, name: 'teste' })
  await sql.unsafe(`create table inbox_particao (particao smallint primary key, aplicada_ate bigint not null default 0,
    adiante int8multirange not null default '{}', epoca uuid, ultima_posicao bigint not null default 0, ultimo_id uuid,
    divergente text)`)
  await sql.unsafe(`create table carta_morta (particao smallint, posicao bigint, evento text not null, motivo text not null,
    criada_em timestamptz not null default now(), primary key (particao, posicao))`)
  await sql.unsafe('create table visto (posicao bigint primary key, vezes int not null)')
  redis = createRedisConnections({ url: redisUrl(), name: 'teste', log })
  follower = createFollower<{ posicao: number; id: string; recusa: boolean }>({
    grupo: 'teste',
    instancia: 'a',
    redis,
    streamPrefix,
    particoes: 1,
    feed: {
      page: async ({ depoisDe, limite }) => ({
        particao: 0,
        ultima: eventos.length,
        epoca,
        eventos: eventos
          .slice(depoisDe, depoisDe + limite)
          .map((texto, i) => ({ posicao: depoisDe + i + 1, evento: JSON.parse(texto) as unknown })),
      }),
    },
    epocaDoLog: async () => epoca,
    sql,
    lease: createLease({ url: database.appUrl, key: [1, 1], name: 'teste', log }),
    ler: (posicao, lido) => {
      const { id, ruim, recusa } = lido as { id: string; ruim?: boolean; recusa?: boolean }
      if (typeof id !== 'string' || ruim === true) return { ok: false, motivo: 'it is bad' }
      return { ok: true, epoca: (lido as { epoca: string }).epoca, row: { posicao, id, recusa: recusa === true } }
    },
    antes: async (_, rows) => rows.filter(({ recusa }) => recusa).map(({ posicao }) => ({ posicao, motivo: 'never' })),
    effect: {
      columns: [],
      ctes: `vistos as (insert into visto select posicao, 1 from novos
        on conflict (posicao) do update set vezes = visto.vezes + 1 returning 1)`,
      result: '(select count(*)::text from vistos)',
      parse: Number,
    },
    graceMs: 100,
    log,
    registry,
  })
  await follower.prepare()
  follower.start()
})
afterAll(async () => {
  await follower.stop()
  await redis.close()
  await closeSql(sql)
  await database.drop()
})

test('each event has its effect once; what can never be applied is kept with its reason, and nobody waits for it', async () => {
  eventos.push(evento({}), evento({ ruim: true }), evento({ recusa: true }), evento({}))
  const publisher = createPublisher({ redis: redis.commands, prefix: streamPrefix })
  await publisher.publish(
    0,
    eventos.map((body, i) => ({ posicao: i + 1, body })),
  )
  const marca = async () => (await sql<{ ate: number }[]>`select aplicada_ate::int as ate from inbox_particao`)[0]?.ate
  await waitFor(async () => (await marca()) === 4)
  expect(await sql`select posicao::int, vezes from visto order by 1`).toEqual([
    { posicao: 1, vezes: 1 },
    { posicao: 4, vezes: 1 },
  ])
  expect(await sql`select posicao::int, motivo from carta_morta order by 1`).toEqual([
    { posicao: 2, motivo: 'it is bad' },
    { posicao: 3, motivo: 'never' },
  ])
  expect(await lerCartas(sql, { limite: 1 })).toMatchObject([{ particao: 0, posicao: 2, motivo: 'it is bad' }])
  expect(await lerCartas(sql, { limite: 9, so: { particao: 0, posicao: 3 } })).toMatchObject([{ motivo: 'never' }])
  // A scrape shows the same as the database, at most a second later.
  const mostra = async () => {
    const text = await registry.metrics()
    return (
      text.includes('fluxo_follow_aplicada_ate{group="teste",particao="0"} 4') &&
      text.includes('fluxo_follow_parada{group="teste",particao="0"} 0') &&
      /fluxo_follow_dead_letters\{database="\w+"\} 2/.test(text)
    )
  }
  await waitFor(mostra, { what: 'the metrics of the group' })
})

test('events of a log that is no more are dropped, and what no stream brings is pulled', async () => {
  const publisher = createPublisher({ redis: redis.commands, prefix: streamPrefix })
  await publisher.publish(0, [{ posicao: 5, body: evento({ epoca: randomUUID() }) }])
  eventos.push(evento({}), evento({}))
  await waitFor(async () => (await sql`select 1 from visto where posicao in (5, 6)`).length === 2)
  expect(await sql`select max(vezes) as vezes from visto`).toEqual([{ vezes: 1 }])
})
