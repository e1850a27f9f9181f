import { sql } from 'drizzle-orm'
import { bigint, check, date, index, pgTable, primaryKey, smallint, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { bytea, inboxTable, lettersTable, logTables, moment } from '../backbone.ts'

export const { logEstado, posicao, relayCursor } = logTables()

/** The ledger, which is its own outbox: append-only, gapless in `posicao` per partition, in commit order. */
export const lancamentos = pgTable(
  'lancamentos',
  {
    posicao: bigint({ mode: 'number' }).notNull(),
    /** Cents. */
    valor: bigint({ mode: 'bigint' }).notNull(),
    created_at: moment().notNull(),
    data: date().notNull(),
    particao: smallint().notNull(),
    /** 1 is CREDITO, -1 is DEBITO. */
    tipo: smallint().notNull(),
    id: uuid().notNull(),
    /** The entry that this one reverses. */
    estorna: uuid(),
    comerciante_id: text().notNull(),
    descricao: text().notNull(),
    referencia: text(),
    /** Idempotency key. */
    chave: text(),
    /** Fingerprint of the content: 16 bytes of SHA-256. */
    impressao: bytea().notNull(),
    /** W3C trace context of the request. */
    rastro: text(),
  },
  (t) => [
    primaryKey({ name: 'lancamentos_pkey', columns: [t.particao, t.posicao] }),
    uniqueIndex('lancamentos_id').on(t.id),
    uniqueIndex('lancamentos_chave').on(t.comerciante_id, t.chave).where(sql`${t.chave} is not null`),
    uniqueIndex('lancamentos_referencia').on(t.comerciante_id, t.referencia).where(sql`${t.referencia} is not null`),
    uniqueIndex('lancamentos_estorna').on(t.estorna).where(sql`${t.estorna} is not null`),
    index('lancamentos_dia').on(t.comerciante_id, t.data, t.posicao),
    check('lancamentos_tipo', sql`${t.tipo} in (1, -1)`),
    check('lancamentos_valor', sql`${t.valor} > 0`),
  ],
)

/** What the ledger has read of the orders' log, and the events that it could not apply. */
export const inboxParticao = inboxTable('inbox_particao')
export const cartaMorta = lettersTable('carta_morta')
