import type { Clock } from '@fluxo/shared/clock'
import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createServiceDatabase, type TestDatabase } from '../../stage/databases.ts'
import { applyStatements } from '../orders/follower-statements.ts'
import { createBench } from '../servers/bench-fixture.ts'
import { createSimulatedSql } from '../servers/postgres-client.ts'
import { createPostgresServer } from '../servers/postgres-server.ts'
import { inboxStatements } from '../servers/projection-readings.ts'
import { deliveryStatements } from './delivery-statements.ts'
import { noting } from './note-statement.ts'
import { addWebhook, emptyNotices, type NoticesState, SECRET } from './notices-state.ts'

const DIGITS = 12
const MINUTE_MS = 60_000

const databases: TestDatabase[] = []
const pools: Sql[] = []
/** Ends what was begun for a test. */
export async function closeServers(): Promise<void> {
  await Promise.all(pools.map(closeSql))
  await Promise.all(databases.map((database) => database.drop()))
}

/** A webhook, and since when: long since, just now, or only from tomorrow on. */
type Asked = { id: string; comerciante_id: string; url: string; eventos: string[] | null; desde: number }

export type Server = {
  sql: Sql
  clock?: Clock
  settle: <T>(work: Promise<T>) => Promise<T>
  add: (webhook: Asked) => Promise<void>
  /** Everything that is decided, in an order of its own. */
  tables: () => Promise<ReturnType<typeof tablesOf>>
}

/** A database of avisos of the test's own. */
export async function realServer(): Promise<Server & { owner: Sql }> {
  const database = await createServiceDatabase('avisos')
  databases.push(database)
  const sql = createSql({ url: database.appUrl, max: 2, name: 'conformance' })
  const owner = createSql({ url: database.ownerUrl, max: 2, name: 'conformance' })
  pools.push(sql, owner)
  return {
    sql,
    owner,
    settle: (work) => work,
    add: async ({ id, comerciante_id, url, eventos, desde }) => {
      const since = new Date(desde)
      await owner`insert into ouvinte (comerciante_id, desde) values (${comerciante_id}, ${since}) on conflict do nothing`
      await owner`insert into webhook (id, comerciante_id, url, eventos, segredo, desde)
        values (${id}, ${comerciante_id}, ${url}, ${eventos && arrayLiteral(eventos)}::text::text[], ${SECRET}, ${since}) on conflict do nothing`
    },
    tables: async () => ({
      listeners: await owner`select comerciante_id, ultimo::float8 as ultimo from ouvinte order by 1`,
      notices:
        await owner`select comerciante_id, seq::float8 as seq, id, tipo, corpo, rastro from evento order by 1, 2`,
      webhooks:
        await owner`select id, desativado_em is null as vivo, falhando_desde is not null as fails, motivo from webhook order by 1`,
      deliveries: await owner`select id, webhook_id, evento_id, tipo, passo, tentativas, situacao, motivo,
        vence_em is not null as waits, terminado_em is not null as ended, devolvido_em is not null as given from aviso order by 1`,
      attempts:
        await owner`select aviso_id, tentativa, duracao_ms, status, erro, resposta from aviso_tentativa order by 1, 2`,
    }),
  }
}

/** The same in memory; its clock begins at `beginMs`. */
export function simulatedServer(beginMs: number): Server {
  const { scheduler, process, wire, settle } = createBench()
  const nobody = { onNotice: () => {}, onFollowed: () => {}, onLetter: () => {} }
  const state = emptyNotices({ now: () => beginMs + scheduler.now(), heldMs: MINUTE_MS, ...nobody })
  const statements = [
    ...applyStatements({ ...state, group: 'avisos', apply: noting(state) }),
    ...inboxStatements(state),
    ...deliveryStatements(state),
  ]
  const server = createPostgresServer({ scheduler, random: process.random, statements, slowestMs: 10 })
  return {
    sql: createSimulatedSql({ wire, server, process }).sql,
    clock: process.clock,
    settle,
    add: async (webhook) => {
      if (!state.webhooks.has(webhook.id)) addWebhook(state, webhook)
    },
    tables: async () => tablesOf(state),
  }
}

/** In the order in which PostgreSQL gives them. */
export const sorted = <Row>(rows: Iterable<Row>, key: (row: Row) => string): Row[] =>
  [...rows].toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
const padded = (number: number): string => String(number).padStart(DIGITS)

const tablesOf = ({ listeners, notices, webhooks, deliveries, attempts }: NoticesState) => ({
  listeners: sorted(
    listeners.values().map(({ comerciante_id, ultimo }) => ({ comerciante_id, ultimo })),
    (row) => row.comerciante_id,
  ),
  notices: sorted(
    notices.values().map(({ em: _, criado_em: __, ...row }) => row),
    (row) => `${row.comerciante_id} ${padded(row.seq)}`,
  ),
  webhooks: sorted(
    webhooks.values().map(({ id, desativado_em, falhando_desde, motivo }) => {
      return { id, vivo: desativado_em === null, fails: falhando_desde !== null, motivo }
    }),
    (row) => row.id,
  ),
  deliveries: sorted(
    deliveries.values().map(({ vence_em, terminado_em, devolvido_em, criado_em: _, commit: __, ...row }) => {
      return { ...row, waits: vence_em !== null, ended: terminado_em !== null, given: devolvido_em !== null }
    }),
    (row) => row.id,
  ),
  attempts: sorted(
    attempts.values().map(({ em: _, ...row }) => row),
    (row) => `${row.aviso_id} ${padded(row.tentativa)}`,
  ),
})
