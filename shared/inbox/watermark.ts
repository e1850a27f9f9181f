import type { Sql } from '../postgres/sql.ts'
import { run, statement } from '../postgres/statement.ts'
import { holesOf, parseMultirange, type Run } from './runs.ts'
import { INBOX } from './statement.ts'

/** How far a partition is applied. */
export type Watermark = {
  particao: number
  /** Everything up to here is applied. */
  aplicadaAte: number
  /** Positions that are missing below the highest one applied. */
  holes: Run[]
  /** The log that the partition follows; null before its first event. */
  epoca: string | null
  /** The highest event applied, and its id where it had one. */
  ultimaPosicao: number
  ultimoId: string | null
  /** Why the partition stands still; null while it moves. */
  divergente: string | null
}

type InboxRow = {
  particao: number
  aplicada_ate: number
  adiante: string
  epoca: string | null
  ultima_posicao: number
  ultimo_id: string | null
  divergente: string | null
}

const COLUMNS = `particao::int as particao, aplicada_ate::float8 as aplicada_ate, adiante::text as adiante,
  epoca::text as epoca, ultima_posicao::float8 as ultima_posicao, ultimo_id::text as ultimo_id, divergente`

/** Makes the rows of a consumer's partitions; what exists is left as it is. */
export async function prepareParticoes(sql: Sql, particoes: number, { name } = INBOX): Promise<void> {
  const text = `insert into ${name} (particao) select generate_series(0, $1::int - 1) on conflict do nothing`
  await run(sql, statement('inbox.prepare', text, { prepare: false }), [particoes])
}

/** Reads how far every partition is applied, in order. */
export async function readWatermarks(sql: Sql, { name } = INBOX): Promise<Watermark[]> {
  const text = `select ${COLUMNS} from ${name} order by ${name}.particao`
  const rows = await run<InboxRow>(sql, statement('inbox.watermarks', text))
  return rows.map(watermarkOf)
}

/** Stops a partition until a rebuild: from now on every apply is refused as `divergente`. The first reason stays. */
export async function stopParticao(sql: Sql, particao: number, reason: string, { name } = INBOX): Promise<void> {
  const text = `update ${name} set divergente = $2::text where particao = $1::smallint and divergente is null`
  await run(sql, statement('inbox.stop', text, { prepare: false }), [particao, reason])
}

function watermarkOf(row: InboxRow): Watermark {
  return {
    particao: row.particao,
    aplicadaAte: row.aplicada_ate,
    holes: holesOf(row.aplicada_ate, parseMultirange(row.adiante)),
    epoca: row.epoca,
    ultimaPosicao: row.ultima_posicao,
    ultimoId: row.ultimo_id,
    divergente: row.divergente,
  }
}
