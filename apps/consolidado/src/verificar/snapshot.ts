import { cartaMorta, inboxParticao, projecao, type saldo } from '@fluxo/drizzle/consolidado/schema'
import { parseMultirange } from '@fluxo/shared/inbox/runs'
import { ask } from '@fluxo/shared/postgres/ask'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { inPortions, statement } from '@fluxo/shared/postgres/statement'
import { and, isNotNull, isNull } from 'drizzle-orm'
import type { RawWatermark, StoredSaldo } from './verificar.ts'

/** Which days to look at; all where nothing is said. */
export type DayFilter = { comercianteId?: string | undefined; de?: string | undefined; ate?: string | undefined }

/** The balances at one moment, in one snapshot: what they are, and which entries they are made of. */
export type BalanceSnapshot = {
  geracao: number
  watermarks: RawWatermark[]
  /** Positions that were passed over without effect, by partition: dead letters that wait. */
  skipped: Map<number, Set<number>>
}

type Row = Omit<typeof saldo.$inferSelect, 'geracao' | 'atualizado_em'>

/** Rows fetched at once. */
const ROWS_AT_ONCE = 5_000
/** Millions of rows take a while, and nobody waits for this statement. */
const STATEMENT_TIMEOUT_MS = 600_000

const { particao, aplicada_ate, adiante, epoca, ultima_posicao, ultimo_id, divergente } = inboxParticao
const WATERMARK = {
  particao,
  aplicadaAte: aplicada_ate,
  adiante,
  epoca,
  ultimaPosicao: ultima_posicao,
  ultimoId: ultimo_id,
  divergente,
}
const LOG_POSITION = { particao: cartaMorta.particao, posicao: cartaMorta.posicao }

const SALDOS = statement(
  'verification.balances',
  `
select comerciante_id, data::text as data, creditos::text as creditos, debitos::text as debitos,
  quantidade::float8 as quantidade, versao::float8 as versao
from saldo where geracao = $1::int and ($2::text is null or comerciante_id = $2)
  and ($3::date is null or data >= $3) and ($4::date is null or data <= $4)`,
  { prepare: false },
)

/** Reads generation, inbox and waiting letters, on `sql` whether it is a pool or a transaction's connection. */
export async function readSnapshot(sql: Pick<Sql, 'unsafe'>): Promise<BalanceSnapshot> {
  const [projection] = await ask(sql, (db) => db.select().from(projecao))
  if (projection === undefined) throw new Error('the database has no projection: run `npm run migrate`')
  const watermarks = await ask(sql, (db) => db.select(WATERMARK).from(inboxParticao).orderBy(particao))
  const waiting = and(isNotNull(cartaMorta.pulada_em), isNull(cartaMorta.redirigida_em))
  const skipped = new Map<number, Set<number>>()
  for (const letter of await ask(sql, (db) => db.select(LOG_POSITION).from(cartaMorta).where(waiting))) {
    const posicoes = skipped.get(letter.particao) ?? new Set()
    skipped.set(letter.particao, posicoes.add(letter.posicao))
  }
  return {
    geracao: projection.geracao,
    watermarks: watermarks.map((watermark) => ({ ...watermark, adiante: parseMultirange(watermark.adiante) })),
    skipped,
  }
}

/**
 * Takes the snapshot and gives every balance in it to `visit`. One read-only transaction, open for as long as the rows take
 * to arrive: no other question is asked meanwhile.
 */
export async function takeSnapshot(
  databaseUrl: string,
  { comercianteId, de, ate }: DayFilter,
  visit: (day: { comercianteId: string; data: string }, saldo: StoredSaldo) => void,
): Promise<BalanceSnapshot> {
  // `fetchTypes`, without which postgres.js never hands a new connection to `reserve()` (see createTransactions).
  const options = { max: 1, name: 'verificar', statementTimeoutMs: STATEMENT_TIMEOUT_MS, fetchTypes: true }
  const sql = createSql({ url: databaseUrl, ...options })
  try {
    const connection = await sql.reserve()
    await connection`begin isolation level repeatable read read only`
    const snapshot = await readSnapshot(connection)
    const parameters = [snapshot.geracao, comercianteId ?? null, de ?? null, ate ?? null]
    for await (const rows of inPortions<Row>(connection, SALDOS, parameters, ROWS_AT_ONCE)) {
      for (const { comerciante_id, data, creditos, debitos, quantidade, versao } of rows) {
        const saldo = { creditos: BigInt(creditos), debitos: BigInt(debitos), quantidade, versao }
        visit({ comercianteId: comerciante_id, data }, saldo)
      }
    }
    await connection`commit`
    connection.release()
    return snapshot
  } finally {
    await closeSql(sql)
  }
}
