import { randomUUID } from 'node:crypto'
import { createDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import type { FeedClient } from '../feed/client.ts'
import type { Effect } from '../inbox/statement.ts'
import { type EventEnvelope, encodeEvento } from '../log/event.ts'
import { createLease } from '../postgres/lease.ts'
import { closeSql, createSql } from '../postgres/sql.ts'
import { createRedisConnections } from '../redis/connection.ts'
import { createPublisher } from '../stream/publisher.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createFollower, type FollowerContext } from './follower.ts'
import type { Group, Refused } from './group.ts'

export type TestRow = { posicao: number; id: string; numero: number; quando: number; recusa: boolean }

const TABLES = `
create table inbox_particao (particao smallint primary key, aplicada_ate bigint not null default 0,
  adiante int8multirange not null default '{}', epoca uuid, ultima_posicao bigint not null default 0, ultimo_id uuid,
  divergente text);
create table carta_morta (particao smallint, posicao bigint, evento text not null, motivo text not null,
  tentativas integer not null default 1, criada_em timestamptz not null default now(),
  pulada_em timestamptz default '-infinity', redirigida_em timestamptz, primary key (particao, posicao));
create table visto (posicao bigint primary key, vezes int not null, numero smallint constraint impar check (numero <> 13),
  quando timestamptz)`

/** Notes each event: a number beyond `smallint` is a 22003, 13 a 23514, a time that is none a RangeError of our own. */
export const seeingEffect: Effect<TestRow, number> = {
  columns: [
    { name: 'numero', type: 'integer', value: ({ numero: number }) => number },
    { name: 'quando', type: 'timestamptz', value: ({ quando: when }) => new Date(when).toISOString() },
  ],
  ctes: `vistos as (insert into visto select posicao, 1, numero, quando from novos
    on conflict (posicao) do update set vezes = visto.vezes + 1 returning 1)`,
  result: '(select count(*)::text from vistos)',
  parse: Number,
}

/** A log of the test's own over real servers, and whoever follows it. */
export async function createFollowerFixture() {
  const log = createLogger({ service: 'teste', level: 'silent' })
  const epoca = randomUUID()
  const registry = new Registry()
  const streamPrefix = uniquePrefix('seguir')
  const database = await createDatabase()
  const sql = createSql({ url: database.appUrl, max: 3, name: 'teste' })
  for (const table of TABLES.split(';')) await sql.unsafe(table)
  const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log })
  const publisher = createPublisher({ redis: redis.commands, prefix: streamPrefix })
  /** The log: its n-th text is at position n. */
  const eventos: string[] = []
  const network: { feed: boolean } = { feed: true }
  const group = {
    group: 'teste',
    read: ({ id, data }: EventEnvelope, posicao: number): TestRow | string => {
      const {
        numero: number = 1,
        quando: when = 0,
        recusa: refusal,
        bad,
      } = data as Partial<TestRow> & { bad?: boolean }
      return bad === true ? 'it is bad' : { posicao, id, numero: number, quando: when, recusa: refusal === true }
    },
    before: async (_: number, rows: readonly TestRow[]): Promise<Refused[]> =>
      rows.filter(({ recusa: refusal }) => refusal).map(({ posicao }) => ({ posicao, reason: 'never' })),
    effect: seeingEffect,
  }
  /** The log's pages, of texts that may be another log's. */
  const feedOf = (texts: readonly string[], epocaDela = epoca): FeedClient => ({
    page: async ({ after, limite: limit }) => {
      if (!network.feed) throw new Error('the log is away')
      const nextOnes = texts.slice(after, after + limit)
      const readOnes = nextOnes.map((text, i) => ({ posicao: after + i + 1, evento: JSON.parse(text) as unknown }))
      return { particao: 0, ultima: texts.length, epoca: epocaDela, eventos: readOnes }
    },
  })
  const follow = async (options: Partial<Group<TestRow, number> & FollowerContext & { feed: FeedClient }> = {}) => {
    const lease = createLease({ url: database.appUrl, key: [1, 1], name: 'teste', log })
    const follower = createFollower(
      { ...group, ...options, log: { streamPrefix, particoes: 1, feed: options.feed ?? feedOf(eventos) } },
      { instance: 'a', redis, sql, lease, timings: { graceMs: 100 }, registry, ...options, log },
    )
    await follower.prepare()
    follower.start()
    return follower
  }
  const evento = (posicao: number, data: object, epocaDele = epoca): string =>
    encodeEvento(
      { id: randomUUID(), source: '/teste', type: 'teste.v1', subject: 's', time: '2026-11-21T12:00:00Z', data },
      { particao: 0, posicao, epoca: epocaDele },
    )
  return {
    ...{ log, epoca, registry, streamPrefix, sql, redis, publisher, eventos, network, group, follow, evento, feedOf },
    /** Writes events to the log, of which no stream knows yet. */
    write: (...data: object[]) => {
      for (const one of data) eventos.push(evento(eventos.length + 1, one))
    },
    publish: (since = 1) =>
      publisher.publish(
        0,
        eventos.slice(since - 1).map((body, i) => ({ posicao: since + i, body })),
      ),
    aplicadaAte: async () =>
      (await sql<{ ate: number }[]>`select aplicada_ate::int as ate from inbox_particao`)[0]?.ate,
    seen: async () => (await sql`select posicao::int, vezes from visto order by 1`).map((row) => ({ ...row })),
    letters: async () =>
      (
        await sql`select posicao::int, motivo, tentativas, pulada_em is not null as pulada,
          redirigida_em is not null as redirigida from carta_morta order by 1`
      ).map((row) => ({ ...row })),
    /** Waits until nothing that was delivered is unacknowledged. */
    acked: () =>
      waitFor(async () => (await redis.commands.xpending(`${streamPrefix}:{0}`, 'teste'))[0] === 0, {
        what: 'the ack',
      }),
    close: async () => {
      await redis.close()
      await closeSql(sql)
      await database.drop()
    },
  }
}

export type FollowerFixture = Awaited<ReturnType<typeof createFollowerFixture>>
