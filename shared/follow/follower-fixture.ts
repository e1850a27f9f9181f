import { randomUUID } from 'node:crypto'
import { createDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import type { Effect } from '../inbox/statement.ts'
import { createLease } from '../postgres/lease.ts'
import { closeSql, createSql } from '../postgres/sql.ts'
import { createRedisConnections } from '../redis/connection.ts'
import { createPublisher } from '../stream/publisher.ts'
import { createLogger } from '../telemetry/logger.ts'
import { createFollower, type FollowerOptions, type Recusado } from './follower.ts'

export type Linha = { posicao: number; id: string; numero: number; quando: number; recusa: boolean }

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
export const efeitoDeVer: Effect<Linha, number> = {
  columns: [
    { name: 'numero', type: 'integer', value: ({ numero }) => numero },
    { name: 'quando', type: 'timestamptz', value: ({ quando }) => new Date(quando).toISOString() },
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
  const rede: { feed: boolean } = { feed: true }
  const grupo = {
    grupo: 'teste',
    ler: (posicao: number, lido: unknown) => {
      const { id, numero = 1, quando = 0, ...mais } = lido as Linha & { ruim?: boolean; epoca: string }
      if (typeof id !== 'string' || mais.ruim === true) return { ok: false as const, motivo: 'it is bad' }
      const row = { posicao, id, numero, quando, recusa: mais.recusa === true }
      return { ok: true as const, epoca: mais.epoca, row }
    },
    antes: async (_: number, rows: readonly Linha[]): Promise<Recusado[]> =>
      rows.filter(({ recusa }) => recusa).map(({ posicao }) => ({ posicao, motivo: 'never' })),
    effect: efeitoDeVer,
  }
  const seguir = async (options: Partial<FollowerOptions<Linha>> = {}) => {
    const follower = createFollower<Linha>({
      ...grupo,
      instancia: 'a',
      redis,
      streamPrefix,
      particoes: 1,
      feed: {
        page: async ({ depoisDe, limite }) => {
          if (!rede.feed) throw new Error('the log is away')
          const depois = eventos.slice(depoisDe, depoisDe + limite)
          const lidos = depois.map((texto, i) => ({ posicao: depoisDe + i + 1, evento: JSON.parse(texto) as unknown }))
          return { particao: 0, ultima: eventos.length, epoca, eventos: lidos }
        },
      },
      epocaDoLog: async () => epoca,
      sql,
      lease: createLease({ url: database.appUrl, key: [1, 1], name: 'teste', log }),
      graceMs: 100,
      log,
      registry,
      ...options,
    })
    await follower.prepare()
    follower.start()
    return follower
  }
  return {
    ...{ log, epoca, registry, streamPrefix, sql, redis, publisher, eventos, rede, grupo, seguir },
    evento: (corpo: object): string => JSON.stringify({ id: randomUUID(), epoca, ...corpo }),
    publicar: (desde = 1) =>
      publisher.publish(
        0,
        eventos.slice(desde - 1).map((body, i) => ({ posicao: desde + i, body })),
      ),
    aplicadaAte: async () =>
      (await sql<{ ate: number }[]>`select aplicada_ate::int as ate from inbox_particao`)[0]?.ate,
    vistos: async () => (await sql`select posicao::int, vezes from visto order by 1`).map((row) => ({ ...row })),
    cartas: async () =>
      (
        await sql`select posicao::int, motivo, tentativas, pulada_em is not null as pulada,
          redirigida_em is not null as redirigida from carta_morta order by 1`
      ).map((row) => ({ ...row })),
    /** Waits until nothing that was delivered is unacknowledged. */
    acked: () =>
      waitFor(async () => (await redis.commands.xpending(`${streamPrefix}:{0}`, 'teste'))[0] === 0, {
        what: 'the ack',
      }),
    fechar: async () => {
      await redis.close()
      await closeSql(sql)
      await database.drop()
    },
  }
}

export type FollowerFixture = Awaited<ReturnType<typeof createFollowerFixture>>
