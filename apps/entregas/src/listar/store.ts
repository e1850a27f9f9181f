import { evento, pedido } from '@fluxo/drizzle/entregas/schema'
import type { Clock } from '@fluxo/shared/clock'
import type { Lugar } from '@fluxo/shared/http/posicao'
import { createLines } from '@fluxo/shared/lines'
import { askOwn, type Question } from '@fluxo/shared/postgres/ask'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import { and, desc, eq, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { Evento } from '../domain/evento.ts'
import type { Pedido } from '../domain/pedido.ts'
import { codigoDe } from '../domain/status.ts'
import { EVENTO_COLUNAS, type EventoRow, eventoDe } from '../mover/evento-table.ts'
import { PEDIDO_COLUNAS, type PedidoRow, pedidoDe } from '../mover/pedido-row.ts'
import { bancoIndisponivel } from '../mover/store.ts'
import type { Filtros, Ponto } from './listar.ts'

/** What a key did, and where its event stands. */
type Registrado = Lugar & { pedidoId: string; impressao: string | undefined }

export type LeituraStore = {
  /** The merchant's order with this id; another merchant's is `undefined`, too. */
  porId: (comercianteId: string, id: string) => Promise<Pedido | undefined>
  /** The order that the merchant's key made or changed, and the fingerprint of what was asked for under it. */
  porChave: (comercianteId: string, chave: string) => Promise<Registrado | undefined>
  /** The events of the merchant's order after `seq`, in order; `undefined` where there is no such order. */
  eventos: (comercianteId: string, id: string, depoisDe: number) => Promise<Evento[] | undefined>
  /** At most `quantos` orders, newest first, after `depois`. */
  listar: (comercianteId: string, filtros: Filtros, depois: Ponto | undefined, quantos: number) => Promise<Pedido[]>
}

/**
 * Settings of the pool for reads of one merchant: a role under row-level security (docs/decisions/0011), and plans made once, so that
 * neither the known `limit` is a reason to plan each page anew nor a plan from when the tables were empty reads all of them later.
 */
export const LEITURA_SETTINGS = {
  role: 'entregas_leitura',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  // A policy looks to the planner as if it let almost nothing through, so that reading all and sorting it would be cheap.
  enable_sort: 'off',
}

/** Well above the pool's statement_timeout: only a half-open connection gets here. */
const RESPOSTA_MAX_MS = 20_000
/** Reads of one merchant on the pool's four connections; those of others travel between them. */
const LEITURAS = { ownerMax: 8, waitingMax: 1_000 }
/** Events of one answer; an order has a few dozen at most, and `after` reads on. */
const EVENTOS_MAX = 1_000

/** Probe of the primary key. */
const POR_ID = ownRows(`select ${PEDIDO_COLUNAS} from pedido p where p.id = $2 and p.comerciante_id = $1`)

/** Probe of the unique index (comerciante_id, chave). */
const POR_CHAVE = ownRows(`select e.pedido_id, encode(e.impressao, 'hex') as impressao,
  e.particao::int as particao, e.posicao::float8 as posicao from evento e
  where e.comerciante_id = $1 and e.chave = $2`)

type ChaveRow = Lugar & { pedido_id: string; impressao: string | null }

/** Walks the unique index (pedido_id, seq). */
const EVENTOS_DO_PEDIDO = ownRows(`select ${EVENTO_COLUNAS} from evento e
  where e.pedido_id = $2 and e.comerciante_id = $1 and e.seq > $3::int order by e.seq limit ${EVENTOS_MAX}`)

/**
 * Reads orders and their events for a merchant. `pool` is one of `LEITURA_SETTINGS`: as its role, PostgreSQL shows no other's rows.
 *
 * The list walks an index backwards from the cursor's point, so that page 1 000 costs what page 1 costs; each combination of filters is a statement of its own.
 */
export function createLeituraStore(pool: Sql, clock?: Clock): LeituraStore {
  const filas = createLines(LEITURAS)
  const naVez = async <T>(comercianteId: string, query: () => Promise<T>): Promise<T> => {
    try {
      return await filas.run(comercianteId, () => withDeadline(query(), RESPOSTA_MAX_MS, clock))
    } catch (cause) {
      throw isInfrastructure(cause) ? bancoIndisponivel(cause) : cause
    }
  }
  const ler = <Row extends object>(texto: string, valores: [comercianteId: string, ...resto: (string | number)[]]) =>
    naVez(valores[0], () => pool.unsafe<Row[]>(texto, valores, { prepare: true }))
  const porId = async (comercianteId: string, id: string): Promise<Pedido | undefined> => {
    const [row] = await ler<PedidoRow>(POR_ID, [comercianteId, id])
    return row && pedidoDe(row)
  }

  return {
    porId,
    porChave: async (comercianteId, chave) => {
      const [row] = await ler<ChaveRow>(POR_CHAVE, [comercianteId, chave])
      if (row === undefined) return undefined
      const { pedido_id: pedidoId, impressao, particao, posicao } = row
      return { pedidoId, impressao: impressao ?? undefined, particao, posicao }
    },
    eventos: async (comercianteId, id, depoisDe) => {
      const eventos = await ler<EventoRow>(EVENTOS_DO_PEDIDO, [comercianteId, id, depoisDe])
      if (eventos.length === 0 && (await porId(comercianteId, id)) === undefined) return undefined
      return eventos.map(eventoDe)
    },
    listar: async (comercianteId, filtros, depois, quantos) => {
      const { created_at, id, comerciante_id } = pedido
      const estes = and(eq(comerciante_id, comercianteId), ...filtrados(comercianteId, filtros))
      const adiante = depois && sql`(${created_at}, ${id}) < (${depois.createdAt}, ${depois.id})`
      const pergunta: Question<(typeof pedido.$inferSelect)[]> = (db) =>
        db.select().from(pedido).where(and(estes, adiante)).orderBy(desc(created_at), desc(id)).limit(quantos)
      return (await naVez(comercianteId, () => askOwn(pool, comercianteId, pergunta))).map(pedidoDe)
    },
  }
}

/** The day in São Paulo as a span of time: the index is over time. */
const inicioDoDia = (dia: string, maisDias = 0): SQL =>
  sql`((${dia}::date + ${maisDias}::int)::timestamp at time zone 'America/Sao_Paulo')`

const filtrados = (comercianteId: string, { status, de, ate, referencia }: Filtros): (SQL | undefined)[] => [
  status === undefined ? undefined : eq(pedido.status, codigoDe(status)),
  de === undefined ? undefined : gte(pedido.created_at, inicioDoDia(de)),
  ate === undefined ? undefined : lt(pedido.created_at, inicioDoDia(ate, 1)),
  referencia === undefined
    ? undefined
    : sql`${pedido.id} = (select ${evento.pedido_id} from ${evento}
        where ${evento.comerciante_id} = ${comercianteId} and ${evento.referencia} = ${referencia})`,
]
