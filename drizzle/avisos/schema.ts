import { sql } from 'drizzle-orm'
import {
  bigint,
  check,
  date,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { inboxTable, lettersTable, moment } from '../backbone.ts'

/** What was read of each log that is followed, and the events that could not be applied. */
export const inboxPedidos = inboxTable('inbox_pedidos')
export const cartaPedidos = lettersTable('carta_pedidos')
export const inboxLancamentos = inboxTable('inbox_lancamentos')
export const cartaLancamentos = lettersTable('carta_lancamentos')

/**
 * A merchant of whom somebody hears: it has, or had, a webhook or a stream. Whoever notes an event locks this row and takes the
 * numbers after `ultimo`, so those of a merchant have no gaps and are seen in their order.
 */
export const ouvinte = pgTable('ouvinte', {
  comerciante_id: text().primaryKey(),
  ultimo: bigint({ mode: 'number' }).notNull().default(0),
  /** Since when: what happened before is not noted. */
  desde: timestamp({ withTimezone: true }).notNull().defaultNow(),
  /** Until then events are noted for a stream, whether one is open or cut. */
  escuta_ate: timestamp({ withTimezone: true }),
})

/** What is told, as it is sent. Noted only for merchants of whom somebody hears just then. */
export const evento = pgTable(
  'evento',
  {
    seq: bigint({ mode: 'number' }).notNull(),
    /** When it happened, by its log. */
    em: moment().notNull(),
    criado_em: moment().notNull().defaultNow(),
    id: uuid().notNull().unique('evento_id_key'),
    comerciante_id: text().notNull(),
    tipo: text().notNull(),
    corpo: text().notNull(),
    rastro: text(),
  },
  (t) => [
    primaryKey({ name: 'evento_pkey', columns: [t.comerciante_id, t.seq] }),
    index('evento_idade').on(t.criado_em),
  ],
)

/** Where a merchant wants to be told. */
export const webhook = pgTable(
  'webhook',
  {
    id: uuid().primaryKey(),
    comerciante_id: text().notNull(),
    url: text().notNull(),
    /** Types of events, and patterns of them; null is `order.*`. */
    eventos: text().array(),
    segredo: text().notNull(),
    segredo_anterior: text(),
    anterior_ate: timestamp({ withTimezone: true }),
    /** What was recorded hours before is not told. */
    desde: timestamp({ withTimezone: true }).notNull().defaultNow(),
    criado_em: moment().notNull().defaultNow(),
    /** The first failure since the last success. */
    falhando_desde: timestamp({ withTimezone: true }),
    desativado_em: moment(),
    motivo: text(),
    /** A removed one stays for its deliveries' sake, without its secret. */
    removido_em: moment(),
    /** Which of its merchant's places it holds. */
    vaga: smallint(),
  },
  (t) => [
    index('webhook_do_comerciante').on(t.comerciante_id, t.criado_em, t.id).where(sql`${t.removido_em} is null`),
    uniqueIndex('webhook_vaga').on(t.comerciante_id, t.vaga).where(sql`${t.removido_em} is null`),
  ],
)

/**
 * One delivery of one event to one webhook. `vence_em` is when the next attempt is due, and null once nothing is left to do.
 * `passo` counts the attempts of this round, `tentativas` all.
 */
export const aviso = pgTable(
  'aviso',
  {
    vence_em: timestamp({ withTimezone: true }),
    criado_em: moment().notNull().defaultNow(),
    terminado_em: moment(),
    passo: smallint().notNull().default(0),
    tentativas: integer().notNull().default(0),
    /** Index in `AVISO_STATUSES`. */
    situacao: smallint().notNull().default(0),
    id: uuid().primaryKey().defaultRandom(),
    webhook_id: uuid().notNull(),
    /** A merchant's own test has no row in `evento`. */
    evento_id: uuid().notNull(),
    tipo: text().notNull(),
    /** Since when it was given back untried, and why. */
    devolvido_em: moment(),
    motivo: text(),
  },
  (t) => [
    foreignKey({ name: 'aviso_webhook_id_fkey', columns: [t.webhook_id], foreignColumns: [webhook.id] }),
    unique('aviso_uma_vez').on(t.webhook_id, t.evento_id),
    index('aviso_vencimento').on(t.webhook_id, t.vence_em).where(sql`${t.vence_em} is not null`),
    index('aviso_lista').on(t.webhook_id, t.criado_em.desc(), t.id.desc()),
    index('aviso_idade').on(t.criado_em),
    check('aviso_situacao', sql`${t.situacao} between 0 and 3`),
  ],
)

/** What came of each attempt. `resposta` is the beginning of what the receiver said. */
export const avisoTentativa = pgTable(
  'aviso_tentativa',
  {
    em: moment().notNull(),
    duracao_ms: integer().notNull(),
    tentativa: integer().notNull(),
    status: smallint(),
    aviso_id: uuid().notNull(),
    erro: text(),
    resposta: text(),
  },
  (t) => [
    primaryKey({ name: 'aviso_tentativa_pkey', columns: [t.aviso_id, t.tentativa] }),
    foreignKey({ name: 'aviso_tentativa_aviso_id_fkey', columns: [t.aviso_id], foreignColumns: [aviso.id] }).onDelete(
      'cascade',
    ),
  ],
)

/** Entries that wait until their lot is told, each as JSON. */
export const lancamentoAAvisar = pgTable(
  'lancamento_a_avisar',
  {
    posicao: bigint({ mode: 'number' }).notNull(),
    notado_em: timestamp({ withTimezone: true }).notNull().defaultNow(),
    particao: smallint().notNull(),
    comerciante_id: text().notNull(),
    /** When the entry was recorded. */
    em: moment().notNull(),
    item: text().notNull(),
  },
  (t) => [
    primaryKey({ name: 'lancamento_a_avisar_pkey', columns: [t.particao, t.posicao] }),
    index('lancamento_a_avisar_do_comerciante').on(t.comerciante_id, t.posicao),
  ],
)

/** Days whose balance has changed: when that is told next, and the newest position that changed it. */
export const diaAAvisar = pgTable(
  'dia_a_avisar',
  {
    posicao: bigint({ mode: 'number' }).notNull(),
    /** Null once the last change was told. */
    vence_em: timestamp({ withTimezone: true }),
    avisado_em: timestamp({ withTimezone: true }),
    data: date().notNull(),
    particao: smallint().notNull(),
    comerciante_id: text().notNull(),
  },
  (t) => [
    primaryKey({ name: 'dia_a_avisar_pkey', columns: [t.comerciante_id, t.data] }),
    index('dia_a_avisar_vencimento').on(t.comerciante_id, t.vence_em).where(sql`${t.vence_em} is not null`),
  ],
)
