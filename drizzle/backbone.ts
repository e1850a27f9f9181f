import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core'

/** A column for bytes. */
export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const int8multirange = customType<{ data: string }>({ dataType: () => 'int8multirange' })

/** A moment in milliseconds, as JavaScript has it. */
export const moment = () => timestamp({ withTimezone: true, precision: 3 })

/** The tables beside the events of a log. */
export const logTables = () => ({
  /** One row: which log this database holds. `epoca` is replaced where the log was restored. */
  logEstado: pgTable(
    'log_estado',
    {
      id: smallint().primaryKey().default(1),
      epoca: uuid().notNull(),
      particoes: smallint().notNull(),
    },
    (t) => [
      check('log_estado_uma_linha', sql`${t.id} = 1`),
      check('log_estado_particoes_check', sql`${t.particoes} between 1 and 1024`),
    ],
  ),
  /** The counter of each partition: `ultima` is the highest position that is taken. */
  posicao: pgTable('posicao', {
    particao: smallint().primaryKey(),
    ultima: bigint({ mode: 'number' }).notNull().default(0),
  }),
  /** How far the relay has published, a little behind: Redis holds the exact point. */
  relayCursor: pgTable('relay_cursor', {
    particao: smallint().primaryKey(),
    posicao: bigint({ mode: 'number' }).notNull().default(0),
  }),
})

/**
 * The whole dedupe state of a group that reads a log, one row per partition: every position up to `aplicada_ate` is applied, and
 * beyond it those of `adiante`, whose gaps are the holes.
 *
 * `ultima_posicao` and `ultimo_id` name the highest event applied, `epoca` the log that it came from: together they tell a log that
 * was restored from a backup. `divergente` says why the partition stands still, null while it moves.
 */
export const inboxTable = (name: string) =>
  pgTable(name, {
    particao: smallint().primaryKey(),
    aplicada_ate: bigint({ mode: 'number' }).notNull().default(0),
    adiante: int8multirange().notNull().default('{}'),
    epoca: uuid(),
    ultima_posicao: bigint({ mode: 'number' }).notNull().default(0),
    ultimo_id: uuid(),
    divergente: text(),
  })

/**
 * Columns of a table of dead letters: events that a group could not apply, kept until someone redrives them.
 *
 * `pulada_em` is set once the watermark was allowed to pass the position without its effect; only then may a redrive apply the effect
 * outside the inbox, and `redirigida_em` makes that happen once.
 */
export const letterColumns = {
  particao: smallint().notNull(),
  posicao: bigint({ mode: 'number' }).notNull(),
  evento: text().notNull(),
  motivo: text().notNull(),
  tentativas: integer().notNull(),
  criada_em: timestamp({ withTimezone: true }).notNull().defaultNow(),
  pulada_em: timestamp({ withTimezone: true }),
  redirigida_em: timestamp({ withTimezone: true }),
}

/** Dead letters of a log's followers. The default of `pulada_em` is for a service of the version before, which noted what it passed over. */
export const lettersTable = (name: string) =>
  pgTable(
    name,
    {
      ...letterColumns,
      tentativas: integer().notNull().default(1),
      pulada_em: timestamp({ withTimezone: true }).default(sql`'-infinity'`),
    },
    (t) => [primaryKey({ name: `${name}_pkey`, columns: [t.particao, t.posicao] })],
  )
