import { Indisponivel } from '@fluxo/shared/errors'
import type { Lugar } from '@fluxo/shared/http/posicao'
import { createLines } from '@fluxo/shared/lines'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { type Sql, withDeadline } from '@fluxo/shared/postgres/sql'
import type { Lancamento } from '../domain/lancamento.ts'
import { type LedgerRow, lancamentoDe } from '../registrar/ledger-table.ts'
import type { Filtros, Ponto } from './listar.ts'

/** A stored entry and where it stands in the log. */
export type Registrado = Lancamento & Lugar

export type LeituraStore = {
  /** The merchant's entry with this id; another merchant's is `undefined`, too. */
  porId: (comercianteId: string, id: string) => Promise<Registrado | undefined>
  /** At most `quantos` entries, newest first by day and position, after `depois`. */
  listar: (comercianteId: string, filtros: Filtros, depois: Ponto | undefined, quantos: number) => Promise<Registrado[]>
}

/**
 * Settings of the pool for reads of one merchant: a role under row-level security (docs/decisions/0011), and plans made once. The
 * planner would take the known `limit` for a reason to plan each page anew, which costs as much as reading it; and a plan made
 * while the ledger was empty must not read all of it later.
 */
export const LEITURA_SETTINGS = {
  role: 'lancamentos_leitura',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
}

/** Well above the pool's statement_timeout: only a half-open connection gets here. */
const RESPOSTA_MAX_MS = 20_000
const RETRY_AFTER_SECONDS = 2
/** Reads of one merchant on the pool's four connections; those of others travel between them. */
const LEITURAS = { ownerMax: 8, waitingMax: 1_000 }

const COLUNAS = `particao::int, posicao::float8, id, comerciante_id, tipo::int, valor::text,
  to_char(data, 'YYYY-MM-DD') as data, descricao, referencia, estorna,
  (extract(epoch from created_at) * 1000)::float8 as created_ms, rastro, '' as impressao`

/** Probe of the unique index on `id`. */
const POR_ID = ownRows(`select ${COLUNAS} from lancamentos where id = $2 and comerciante_id = $1`)

/**
 * Reads the ledger for a merchant. `sql` is a pool of `LEITURA_SETTINGS`: as its role, PostgreSQL shows no other's rows.
 *
 * The list walks the index (comerciante_id, data, posicao) backwards from the cursor's point, so that page 1 000 costs
 * what page 1 costs; `offset` would read all before it again. A merchant lives in one partition, hence one order of
 * positions. A query by `referencia` finds its one row by the unique index instead. Each combination of filters is a
 * statement of its own, at most 32.
 */
export function createLeituraStore(sql: Sql): LeituraStore {
  const filas = createLines(LEITURAS)
  const ler = async (texto: string, [comercianteId, ...valores]: Valores): Promise<Registrado[]> => {
    const query = () => sql.unsafe<(LedgerRow & Lugar)[]>(texto, [comercianteId, ...valores], { prepare: true })
    try {
      return (await filas.run(comercianteId, () => withDeadline(query(), RESPOSTA_MAX_MS))).map(registradoDe)
    } catch (cause) {
      if (!isInfrastructure(cause)) throw cause
      throw new Indisponivel(
        'banco-indisponivel',
        'A leitura está indisponível agora. Tente de novo.',
        RETRY_AFTER_SECONDS,
        {
          cause,
        },
      )
    }
  }

  return {
    porId: async (comercianteId, id) => (await ler(POR_ID, [comercianteId, id]))[0],
    listar: (comercianteId, filtros, depois, quantos) => {
      const { texto, valores } = consulta(comercianteId, filtros, depois, quantos)
      return ler(texto, valores)
    },
  }
}

/** What a statement asks for, the merchant first. */
type Valores = [comercianteId: string, ...valores: (string | number)[]]

function consulta(comercianteId: string, filtros: Filtros, depois: Ponto | undefined, quantos: number) {
  const valores: Valores = [comercianteId]
  const valor = (v: string | number): string => `$${valores.push(v)}`
  const onde = ['comerciante_id = $1']
  const { de, ate, tipo, referencia } = filtros
  if (de !== undefined) onde.push(`data >= ${valor(de)}::date`)
  if (ate !== undefined) onde.push(`data <= ${valor(ate)}::date`)
  if (tipo !== undefined) onde.push(`tipo = ${tipo === 'CREDITO' ? 1 : -1}`)
  if (referencia !== undefined) onde.push(`referencia = ${valor(referencia)}`)
  if (depois !== undefined)
    onde.push(`(data, posicao) < (${valor(depois.data)}::date, ${valor(depois.posicao)}::bigint)`)
  const texto = `select ${COLUNAS} from lancamentos l where ${onde.join(' and ')}
    order by l.data desc, l.posicao desc limit ${valor(quantos)}`
  return { texto: ownRows(texto), valores }
}

const registradoDe = (row: LedgerRow & Lugar): Registrado => ({
  ...lancamentoDe(row),
  particao: row.particao,
  posicao: row.posicao,
})
