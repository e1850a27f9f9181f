import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  customType,
  date,
  index,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** One row: which log this database holds. A restore procedure replaces `epoca`. */
export const logEstado = pgTable(
  'log_estado',
  {
    id: smallint().primaryKey().default(1),
    epoca: uuid().notNull(),
    particoes: smallint().notNull(),
  },
  (t) => [check('log_estado_uma_linha', sql`${t.id} = 1`)],
)

/** The counter of each partition: `ultima` is the highest position that is taken. */
export const posicao = pgTable('posicao', {
  particao: smallint().primaryKey(),
  ultima: bigint({ mode: 'number' }).notNull().default(0),
})

/** How far the relay has published, a little behind: Redis holds the exact point. */
export const relayCursor = pgTable('relay_cursor', {
  particao: smallint().primaryKey(),
  posicao: bigint({ mode: 'number' }).notNull().default(0),
})

/** The ledger, which is its own outbox: append-only, gapless in `posicao` per partition, in commit order. */
export const lancamentos = pgTable(
  'lancamentos',
  {
    particao: smallint().notNull(),
    posicao: bigint({ mode: 'number' }).notNull(),
    id: uuid().notNull(),
    comercianteId: text('comerciante_id').notNull(),
    /** 1 is CREDITO, -1 is DEBITO. */
    tipo: smallint().notNull(),
    /** Cents. */
    valor: bigint({ mode: 'bigint' }).notNull(),
    data: date().notNull(),
    descricao: text().notNull(),
    referencia: text(),
    /** Idempotency key. */
    chave: text(),
    /** Fingerprint of the content: 16 bytes of SHA-256. */
    impressao: bytea().notNull(),
    /** The entry that this one reverses. */
    estorna: uuid(),
    /** W3C trace context of the request. */
    rastro: text(),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.particao, t.posicao] }),
    uniqueIndex('lancamentos_id').on(t.id),
    uniqueIndex('lancamentos_chave').on(t.comercianteId, t.chave).where(sql`${t.chave} is not null`),
    uniqueIndex('lancamentos_referencia').on(t.comercianteId, t.referencia).where(sql`${t.referencia} is not null`),
    uniqueIndex('lancamentos_estorna').on(t.estorna).where(sql`${t.estorna} is not null`),
    index('lancamentos_dia').on(t.comercianteId, t.data, t.posicao),
    check('lancamentos_tipo', sql`${t.tipo} in (1, -1)`),
    check('lancamentos_valor', sql`${t.valor} > 0`),
  ],
)
