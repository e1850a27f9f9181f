import { lancamentos } from '@fluxo/drizzle/lancamentos/schema'
import type { PagePoint } from '@fluxo/shared/http/page/page'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import { askOwn, type Question } from '@fluxo/shared/postgres/ask'
import { throwUnavailable } from '@fluxo/shared/postgres/failure'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import { createQueues } from '@fluxo/shared/queues'
import { and, desc, eq, getTableColumns, gte, lte, sql } from 'drizzle-orm'
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types'
import type { Lancamento } from '../domain/lancamento.ts'
import { lancamentoOf } from '../registrar/ledger-table.ts'
import type { LancamentoFilters } from './listar.ts'

/** A stored entry and where it stands in the log. */
export type StoredLancamento = Lancamento & LogPosition

export type LancamentoReadStore = {
  /** The merchant's entry with this id; another merchant's is `undefined`, too. */
  byId: (comercianteId: string, id: string) => Promise<StoredLancamento | undefined>
  /** At most `count` entries, newest first by day and position, after `after`. */
  listar: (
    comercianteId: string,
    filters: LancamentoFilters,
    after: PagePoint | undefined,
    count: number,
  ) => Promise<StoredLancamento[]>
}

/**
 * Settings of the pool for reads of one merchant: a role under row-level security (docs/decisions/0011), and plans made once. The
 * planner would take the known `limit` for a reason to plan each page anew, which costs as much as reading it; and a plan made
 * while the ledger was empty must not read all of it later.
 */
export const READ_SETTINGS = {
  role: 'lancamentos_leitura',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
}

/** Well above the pool's statement_timeout: only a half-open connection gets here. */
const ANSWER_MAX_MS = 20_000
const unavailable = throwUnavailable('A leitura está indisponível')
/** Reads of one merchant on the pool's four connections; those of others travel between them. */
const READS = { ownerMax: 8, waitingMax: 1_000 }

/** All but what idempotency needs, which the role of reads does not see. */
const { chave: _, impressao: __, ...VISIBLE } = getTableColumns(lancamentos)
type Row = SelectResultFields<typeof VISIBLE>

/**
 * Reads the ledger for a merchant. `pool` is one of `READ_SETTINGS`: as its role, PostgreSQL shows no other's rows.
 *
 * The list walks the index (comerciante_id, data, posicao) backwards from the cursor's point, so that page 1 000 costs
 * what page 1 costs; `offset` would read all before it again. All entries of a merchant are in one partition, hence one order of
 * positions. A query by `referencia` finds its one row by the unique index instead. Each combination of filters is a
 * statement of its own, at most 32.
 */
export function createLancamentoReadStore(pool: Sql): LancamentoReadStore {
  const queues = createQueues(READS)
  const read = async (comercianteId: string, question: Question<Row[]>): Promise<StoredLancamento[]> => {
    const rows = await queues
      .run(comercianteId, () => withDeadline(askOwn(pool, comercianteId, question), ANSWER_MAX_MS))
      .catch(unavailable)
    return rows.map((row) => ({ ...lancamentoOf(row), particao: row.particao, posicao: row.posicao }))
  }
  const { comerciante_id, data, posicao, id, tipo, referencia } = lancamentos

  return {
    byId: async (comercianteId, entryId) => {
      const condition = and(eq(comerciante_id, comercianteId), eq(id, entryId))
      return (await read(comercianteId, (db) => db.select(VISIBLE).from(lancamentos).where(condition)))[0]
    },
    listar: (comercianteId, filters, after, count) => {
      const conditions = and(
        eq(comerciante_id, comercianteId),
        filters.de === undefined ? undefined : gte(data, filters.de),
        filters.ate === undefined ? undefined : lte(data, filters.ate),
        filters.tipo === undefined ? undefined : eq(tipo, filters.tipo === 'CREDITO' ? 1 : -1),
        filters.referencia === undefined ? undefined : eq(referencia, filters.referencia),
        after && sql`(${data}, ${posicao}) < (${after[0]}, ${after[1]})`,
      )
      return read(comercianteId, (db) =>
        db.select(VISIBLE).from(lancamentos).where(conditions).orderBy(desc(data), desc(posicao)).limit(count),
      )
    },
  }
}
