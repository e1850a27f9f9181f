import { evento, pedido } from '@fluxo/drizzle/entregas/schema'
import type { Clock } from '@fluxo/shared/clock'
import type { PagePoint } from '@fluxo/shared/http/page/page'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import { askOwn, type Question } from '@fluxo/shared/postgres/ask'
import { throwUnavailable } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import { run, type Statement, statement } from '@fluxo/shared/postgres/statement'
import { createQueues } from '@fluxo/shared/queues'
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { PedidoEvento } from '../domain/evento.ts'
import type { Pedido } from '../domain/pedido.ts'
import { statusCode } from '../domain/status.ts'
import { EVENTO_COLUMNS, type EventoRow, eventoFromRow } from '../mover/evento-table.ts'
import { PEDIDO_COLUMNS, type PedidoRow, pedidoFromRow } from '../mover/pedido-row.ts'
import type { PedidoFilters } from './listar.ts'

/** What a key did, and where its event stands. */
type KnownByChave = LogPosition & { pedidoId: string; impressao: string | undefined }

export type PedidoReadStore = {
  /** The merchant's order with this id; another merchant's is `undefined`, too. */
  byId: (comercianteId: string, id: string) => Promise<Pedido | undefined>
  /** The order that the merchant's key made or changed, and the fingerprint of what was asked for under it. */
  byChave: (comercianteId: string, chave: string) => Promise<KnownByChave | undefined>
  /** The events of the merchant's order after `seq`, in order; `undefined` where there is no such order. */
  eventos: (comercianteId: string, id: string, afterSeq: number) => Promise<PedidoEvento[] | undefined>
  /** At most `count` orders, newest first, after `after`. */
  listar: (
    comercianteId: string,
    filters: PedidoFilters,
    after: PagePoint | undefined,
    count: number,
  ) => Promise<Pedido[]>
}

/**
 * Settings of the pool for reads of one merchant: a role under row-level security (docs/decisions/0011), and plans made once, so that
 * neither the known `limit` is a reason to plan each page anew nor a plan from when the tables were empty reads all of them later.
 */
export const READ_SETTINGS = {
  role: 'entregas_leitura',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  // A policy looks to the planner as if it let almost nothing through, so that reading all and sorting it would be cheap.
  enable_sort: 'off',
}

/** Well above the pool's statement_timeout: only a half-open connection gets here. */
const ANSWER_MAX_MS = 20_000
/** Reads of one merchant on the pool's four connections; those of others travel between them. */
const READS = { ownerMax: 8, waitingMax: 1_000 }
/** Events of one answer; an order has a few dozen at most, and `after` reads on. */
const EVENTOS_MAX = 1_000

/** Probe of the primary key. */
const BY_ID = statement(
  'orders.by-id',
  ownRows(`select ${PEDIDO_COLUMNS} from pedido p where p.id = $2 and p.comerciante_id = $1`),
)

/** Probe of the unique index (comerciante_id, chave). */
const BY_CHAVE = statement(
  'orders.by-key',
  ownRows(`select e.pedido_id, encode(e.impressao, 'hex') as impressao,
  e.particao::int as particao, e.posicao::float8 as posicao from evento e
  where e.comerciante_id = $1 and e.chave = $2`),
)

type ChaveRow = LogPosition & { pedido_id: string; impressao: string | null }

/** Walks the unique index (pedido_id, seq). */
const PEDIDO_EVENTOS = statement(
  'orders.events',
  ownRows(`select ${EVENTO_COLUMNS} from evento e
  where e.pedido_id = $2 and e.comerciante_id = $1 and e.seq > $3::int order by e.seq limit ${EVENTOS_MAX}`),
)

const unavailable = throwUnavailable('Os pedidos estão indisponíveis')

/**
 * Reads orders and their events for a merchant. `pool` is one of `READ_SETTINGS`: as its role, PostgreSQL shows no other's rows.
 *
 * The list walks an index backwards from the cursor's point, so that page 1 000 costs what page 1 costs; each combination of filters is a statement of its own.
 */
export function createPedidoReadStore(pool: Sql, clock?: Clock): PedidoReadStore {
  const queues = createQueues(READS)
  const inTurn = <T>(comercianteId: string, query: () => Promise<T>): Promise<T> =>
    queues.run(comercianteId, () => withDeadline(query(), ANSWER_MAX_MS, clock)).catch(unavailable)
  const read = <Row extends object>(
    question: Statement,
    values: [comercianteId: string, ...others: (string | number)[]],
  ) => inTurn(values[0], () => run<Row>(pool, question, values))
  const byId = async (comercianteId: string, id: string): Promise<Pedido | undefined> => {
    const [row] = await read<PedidoRow>(BY_ID, [comercianteId, id])
    return row && pedidoFromRow(row)
  }

  return {
    byId,
    byChave: async (comercianteId, chave) => {
      const [row] = await read<ChaveRow>(BY_CHAVE, [comercianteId, chave])
      if (row === undefined) return undefined
      const { pedido_id: pedidoId, impressao, particao, posicao } = row
      return { pedidoId, impressao: impressao ?? undefined, particao, posicao }
    },
    eventos: async (comercianteId, id, afterSeq) => {
      const eventos = await read<EventoRow>(PEDIDO_EVENTOS, [comercianteId, id, afterSeq])
      if (eventos.length === 0 && (await byId(comercianteId, id)) === undefined) return undefined
      return eventos.map(eventoFromRow)
    },
    listar: async (comercianteId, filters, after, count) => {
      const { created_at, id, comerciante_id } = pedido
      const filtered = and(eq(comerciante_id, comercianteId), ...filterConditions(comercianteId, filters))
      const onward = after && sql`(${created_at}, ${id}) < (${after[0]}, ${after[1]})`
      const question: Question<(typeof pedido.$inferSelect)[]> = (db) =>
        db.select().from(pedido).where(and(filtered, onward)).orderBy(desc(created_at), desc(id)).limit(count)
      return (await inTurn(comercianteId, () => askOwn(pool, comercianteId, question))).map(pedidoFromRow)
    },
  }
}

/** The day in São Paulo as a span of time: the index is over time. */
const startOfDay = (day: string, daysAfter = 0): SQL =>
  sql`((${day}::date + ${daysAfter}::int)::timestamp at time zone 'America/Sao_Paulo')`

const filterConditions = (
  comercianteId: string,
  { status, de, ate, referencia }: PedidoFilters,
): (SQL | undefined)[] => [
  status === undefined ? undefined : eq(pedido.status, statusCode(status)),
  de === undefined ? undefined : gte(pedido.created_at, startOfDay(de)),
  ate === undefined ? undefined : lt(pedido.created_at, startOfDay(ate, 1)),
  referencia === undefined
    ? undefined
    : sql`${pedido.id} = (select ${evento.pedido_id} from ${evento}
        where ${evento.comerciante_id} = ${comercianteId} and ${evento.referencia} = ${referencia})`,
]
