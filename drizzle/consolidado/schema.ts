import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  date,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

/** Which generation of `saldo` is being read and projected into. One row; a rebuild swaps by updating it. */
export const projecao = pgTable(
  'projecao',
  {
    id: smallint().primaryKey(),
    geracao: integer().notNull(),
  },
  (t) => [check('projecao_uma_linha', sql`${t.id} = 1`)],
)

/** One row per merchant and day (and generation). Amounts are cents; `versao` starts at geracao * 2^40 + 1. */
export const saldo = pgTable(
  'saldo',
  {
    geracao: integer().notNull(),
    comercianteId: text('comerciante_id').notNull(),
    data: date({ mode: 'string' }).notNull(),
    creditos: numeric({ precision: 24, scale: 0 }).notNull(),
    debitos: numeric({ precision: 24, scale: 0 }).notNull(),
    quantidade: bigint({ mode: 'number' }).notNull(),
    versao: bigint({ mode: 'number' }).notNull(),
    atualizadoEm: timestamp('atualizado_em', { withTimezone: true, mode: 'string' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.geracao, t.comercianteId, t.data] })],
)

const int8multirange = customType<{ data: string }>({ dataType: () => 'int8multirange' })

/**
 * The whole dedupe state of a partition, in one row: every position up to `aplicada_ate` is applied, and beyond it those
 * of `adiante`, whose gaps are the holes.
 *
 * `ultima_posicao` and `ultimo_id` name the highest event applied, `epoca` the log that it came from: together they
 * tell a log that was restored from a backup. `divergente` says why the partition stands still, null while it moves.
 */
export const inboxParticao = pgTable('inbox_particao', {
  particao: smallint().primaryKey(),
  aplicadaAte: bigint('aplicada_ate', { mode: 'number' }).notNull().default(0),
  adiante: int8multirange().notNull().default('{}'),
  epoca: uuid(),
  ultimaPosicao: bigint('ultima_posicao', { mode: 'number' }).notNull().default(0),
  ultimoId: uuid('ultimo_id'),
  divergente: text(),
})

/**
 * Events that could not be applied, kept until someone redrives them.
 *
 * `pulada_em` is set once the watermark was allowed to pass the position without its effect; only then may a redrive
 * apply the effect outside the inbox, and `redirigida_em` makes that happen once.
 */
export const cartaMorta = pgTable(
  'carta_morta',
  {
    particao: smallint().notNull(),
    posicao: bigint({ mode: 'number' }).notNull(),
    evento: text().notNull(),
    motivo: text().notNull(),
    tentativas: integer().notNull(),
    criadaEm: timestamp('criada_em', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    puladaEm: timestamp('pulada_em', { withTimezone: true, mode: 'string' }),
    redirigidaEm: timestamp('redirigida_em', { withTimezone: true, mode: 'string' }),
  },
  (t) => [primaryKey({ columns: [t.particao, t.posicao] })],
)

/** A second, independent sum of the ledger by merchant and day, made by the integrity check. Read by nobody else. */
export const conferencia = pgTable(
  'conferencia',
  {
    particao: smallint().notNull(),
    comercianteId: text('comerciante_id').notNull(),
    data: date({ mode: 'string' }).notNull(),
    creditos: numeric({ precision: 24, scale: 0 }).notNull(),
    debitos: numeric({ precision: 24, scale: 0 }).notNull(),
    quantidade: bigint({ mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.comercianteId, t.data] })],
)

/**
 * How far `conferencia` has added up a partition, and of which log, generation and redrives: where one of them is another,
 * it begins anew.
 */
export const conferenciaParticao = pgTable('conferencia_particao', {
  particao: smallint().primaryKey(),
  posicao: bigint({ mode: 'number' }).notNull(),
  ultimoId: uuid('ultimo_id'),
  /** Positions that the ledger lacked below `posicao`. */
  faltas: bigint({ mode: 'number' }).notNull(),
  epoca: uuid().notNull(),
  geracao: integer().notNull(),
  redirigidas: bigint({ mode: 'number' }).notNull(),
})
