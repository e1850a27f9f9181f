import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
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
import { inboxTable, letterColumns } from '../backbone.ts'

/** Which generation of `saldo` is being read and projected into. One row; a rebuild swaps by updating it. */
export const projecao = pgTable(
  'projecao',
  {
    id: smallint().primaryKey(),
    geracao: integer().notNull(),
  },
  (t) => [check('projecao_uma_linha', sql`${t.id} = 1`)],
)

/** A day of a merchant, in cents. */
const day = {
  comerciante_id: text().notNull(),
  data: date().notNull(),
  creditos: numeric({ precision: 24, scale: 0 }).notNull(),
  debitos: numeric({ precision: 24, scale: 0 }).notNull(),
  quantidade: bigint({ mode: 'number' }).notNull(),
}

/** One row per merchant and day (and generation). `versao` starts at geracao * 2^40 + 1. */
export const saldo = pgTable(
  'saldo',
  {
    geracao: integer().notNull(),
    ...day,
    versao: bigint({ mode: 'number' }).notNull(),
    atualizado_em: timestamp({ withTimezone: true }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.geracao, t.comerciante_id, t.data] })],
)

/** What the projection has read of the ledger. */
export const inboxParticao = inboxTable('inbox_particao')

/** Entries that the projection could not apply. */
export const cartaMorta = pgTable('carta_morta', letterColumns, (t) => [
  primaryKey({ columns: [t.particao, t.posicao] }),
])

/** A second, independent sum of the ledger by merchant and day, made by the integrity check. Read by nobody else. */
export const conferencia = pgTable('conferencia', { particao: smallint().notNull(), ...day }, (t) => [
  primaryKey({ columns: [t.comerciante_id, t.data] }),
])

/**
 * How far `conferencia` has added up a partition, and of which log, generation and redrives: where one of them is another,
 * it begins anew.
 */
export const conferenciaParticao = pgTable('conferencia_particao', {
  particao: smallint().primaryKey(),
  posicao: bigint({ mode: 'number' }).notNull(),
  ultimo_id: uuid(),
  /** Positions that the ledger lacked below `posicao`. */
  faltas: bigint({ mode: 'number' }).notNull(),
  epoca: uuid().notNull(),
  geracao: integer().notNull(),
  redirigidas: bigint({ mode: 'number' }).notNull(),
})
