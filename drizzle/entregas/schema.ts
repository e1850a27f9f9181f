import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
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
import { bytea, inboxTable, lettersTable, logTables, moment } from '../backbone.ts'

export const { logEstado, posicao, relayCursor } = logTables()

/** An order as it stands: what its last event left. */
export const pedido = pgTable(
  'pedido',
  {
    /** Cents, paid on delivery. */
    valor: bigint({ mode: 'bigint' }),
    created_at: moment().notNull(),
    updated_at: moment().notNull(),
    ocorrido_em: moment().notNull(),
    entregue_em: moment(),
    /** The number of its events. */
    version: integer().notNull(),
    /** Index in `STATUSES`. */
    status: smallint().notNull(),
    /** The status before the last change. */
    anterior: smallint(),
    /** Failed attempts, and deliveries. */
    tentativas: smallint().notNull().default(0),
    entregas: smallint().notNull().default(0),
    /** Whether the carrier may take the last change back. */
    corrigivel: boolean().notNull().default(false),
    id: uuid().primaryKey(),
    comerciante_id: text().notNull(),
    customer_name: text().notNull(),
    address: text().notNull(),
    referencia: text(),
  },
  (t) => [
    index('pedido_lista').on(t.comerciante_id, t.created_at, t.id),
    index('pedido_por_status').on(t.comerciante_id, t.status, t.created_at, t.id),
    check('pedido_valor', sql`${t.valor} > 0`),
    check('pedido_status', sql`${t.status} between 0 and 11`),
  ],
)

/** The orders' events: the log, append-only, gapless in `posicao` per partition, in commit order. */
export const evento = pgTable(
  'evento',
  {
    posicao: bigint({ mode: 'number' }).notNull(),
    valor: bigint({ mode: 'bigint' }),
    created_at: moment().notNull(),
    occurred_at: moment().notNull(),
    entregue_em: moment(),
    seq: integer().notNull(),
    particao: smallint().notNull(),
    status: smallint().notNull(),
    anterior: smallint(),
    /** 0 a change of status, 1 a note, 2 a correction. */
    especie: smallint().notNull(),
    /** What was reported, where it did not move the order. */
    informado: smallint(),
    tentativas: smallint().notNull(),
    entregas: smallint().notNull(),
    id: uuid().notNull(),
    pedido_id: uuid().notNull(),
    comerciante_id: text().notNull(),
    reason: text(),
    note: text(),
    location: text(),
    actor: text().notNull(),
    source: text().notNull(),
    codigo: text(),
    referencia: text(),
    chave: text(),
    impressao: bytea(),
    rastro: text(),
  },
  (t) => [
    primaryKey({ name: 'evento_pkey', columns: [t.particao, t.posicao] }),
    uniqueIndex('evento_do_pedido').on(t.pedido_id, t.seq),
    uniqueIndex('evento_chave').on(t.comerciante_id, t.chave).where(sql`${t.chave} is not null`),
    uniqueIndex('evento_referencia').on(t.comerciante_id, t.referencia).where(sql`${t.referencia} is not null`),
    check('evento_especie', sql`${t.especie} between 0 and 2`),
  ],
)

/** Steps of the automatic flow, by when they are due. A claim is a later due time. */
export const passo = pgTable(
  'passo',
  {
    vence_em: timestamp({ withTimezone: true }).notNull(),
    versao: integer().notNull(),
    particao: smallint().notNull(),
    de: smallint().notNull(),
    para: smallint().notNull(),
    pedido_id: uuid().notNull(),
    comerciante_id: text().notNull(),
    rastro: text(),
  },
  (t) => [
    primaryKey({ name: 'passo_pkey', columns: [t.pedido_id, t.versao] }),
    index('passo_vencimento').on(t.particao, t.vence_em),
  ],
)

/** What the automatic flow has read of the log, and the events that it could not apply; the same of the webhooks. */
export const inboxParticao = inboxTable('inbox_particao')
export const cartaMorta = lettersTable('carta_morta')
export const inboxAvisos = inboxTable('inbox_avisos')
export const cartaAvisos = lettersTable('carta_avisos')

/** Where a merchant wants to be told of its orders. `desde` is the end of the log of the merchant's partition when it was made. */
export const webhook = pgTable(
  'webhook',
  {
    id: uuid().primaryKey(),
    comerciante_id: text().notNull(),
    url: text().notNull(),
    /** Types of events; null is all of them. */
    eventos: text().array(),
    segredo: text().notNull(),
    segredo_anterior: text(),
    anterior_ate: timestamp({ withTimezone: true }),
    desde: bigint({ mode: 'number' }).notNull(),
    criado_em: moment().notNull().defaultNow(),
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
    /** The event's place in the log; a merchant's own test has none. */
    posicao: bigint({ mode: 'number' }),
    particao: smallint(),
    /** Index in `SITUACOES`. */
    situacao: smallint().notNull().default(0),
    id: uuid().primaryKey().defaultRandom(),
    webhook_id: uuid().notNull(),
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

/** The token of an order's public page, by its SHA-256. One for an order; a new one replaces it. */
export const rastreio = pgTable('rastreio', {
  pedido_id: uuid().primaryKey(),
  token_sha256: bytea().notNull().unique('rastreio_token_sha256_key'),
  criado_em: moment().notNull().defaultNow(),
})
