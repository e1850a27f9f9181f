import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const multirange = customType<{ data: string }>({ dataType: () => 'int8multirange' })
const momento = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** One row: which log this database holds. A restore procedure replaces `epoca`. */
export const logEstado = pgTable('log_estado', {
  id: smallint().primaryKey().default(1),
  epoca: uuid().notNull(),
  particoes: smallint().notNull(),
})

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

/** An order as it stands: what its last event left. */
export const pedido = pgTable(
  'pedido',
  {
    id: uuid().primaryKey(),
    comercianteId: text('comerciante_id').notNull(),
    customerName: text('customer_name').notNull(),
    address: text().notNull(),
    /** Cents, paid on delivery. */
    valor: bigint({ mode: 'bigint' }),
    referencia: text(),
    /** Index in `STATUSES`. */
    status: smallint().notNull(),
    /** The status before the last change. */
    anterior: smallint(),
    /** The number of its events. */
    version: integer().notNull(),
    /** Failed attempts, and deliveries. */
    tentativas: smallint().notNull().default(0),
    entregas: smallint().notNull().default(0),
    /** Whether the carrier may take the last change back. */
    corrigivel: boolean().notNull().default(false),
    ocorridoEm: momento('ocorrido_em').notNull(),
    entregueEm: momento('entregue_em'),
    createdAt: momento('created_at').notNull(),
    updatedAt: momento('updated_at').notNull(),
  },
  (t) => [
    index('pedido_lista').on(t.comercianteId, t.createdAt, t.id),
    index('pedido_por_status').on(t.comercianteId, t.status, t.createdAt, t.id),
  ],
)

/** The orders' events: the log, append-only, gapless in `posicao` per partition, in commit order. */
export const evento = pgTable(
  'evento',
  {
    particao: smallint().notNull(),
    posicao: bigint({ mode: 'number' }).notNull(),
    id: uuid().notNull(),
    pedidoId: uuid('pedido_id').notNull(),
    comercianteId: text('comerciante_id').notNull(),
    seq: integer().notNull(),
    /** 0 a change of status, 1 a note, 2 a correction. */
    especie: smallint().notNull(),
    status: smallint().notNull(),
    anterior: smallint(),
    /** What was reported, where it did not move the order. */
    informado: smallint(),
    tentativas: smallint().notNull(),
    entregas: smallint().notNull(),
    valor: bigint({ mode: 'bigint' }),
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
    occurredAt: momento('occurred_at').notNull(),
    createdAt: momento('created_at').notNull(),
    entregueEm: momento('entregue_em'),
  },
  (t) => [
    primaryKey({ columns: [t.particao, t.posicao] }),
    uniqueIndex('evento_do_pedido').on(t.pedidoId, t.seq),
    uniqueIndex('evento_chave').on(t.comercianteId, t.chave).where(sql`${t.chave} is not null`),
    uniqueIndex('evento_referencia').on(t.comercianteId, t.referencia).where(sql`${t.referencia} is not null`),
  ],
)

/** Steps of the automatic flow, by when they are due. */
export const passo = pgTable(
  'passo',
  {
    pedidoId: uuid('pedido_id').notNull(),
    versao: integer().notNull(),
    particao: smallint().notNull(),
    comercianteId: text('comerciante_id').notNull(),
    de: smallint().notNull(),
    para: smallint().notNull(),
    venceEm: timestamp('vence_em', { withTimezone: true }).notNull(),
    rastro: text(),
  },
  (t) => [primaryKey({ columns: [t.pedidoId, t.versao] }), index('passo_vencimento').on(t.particao, t.venceEm)],
)

/** What the automatic flow has read of the log. */
export const inboxParticao = pgTable('inbox_particao', {
  particao: smallint().primaryKey(),
  aplicadaAte: bigint('aplicada_ate', { mode: 'number' }).notNull().default(0),
  adiante: multirange().notNull().default('{}'),
  epoca: uuid(),
  ultimaPosicao: bigint('ultima_posicao', { mode: 'number' }).notNull().default(0),
  ultimoId: uuid('ultimo_id'),
  divergente: text(),
})

/** Columns of a table of dead letters: `pulada_em` is when the watermark passed one over, `redirigida_em` when it was applied after all. */
const carta = {
  particao: smallint().notNull(),
  posicao: bigint({ mode: 'number' }).notNull(),
  evento: text().notNull(),
  motivo: text().notNull(),
  tentativas: integer().notNull().default(1),
  criadaEm: timestamp('criada_em', { withTimezone: true }).notNull().defaultNow(),
  puladaEm: timestamp('pulada_em', { withTimezone: true, mode: 'string' }).default('-infinity'),
  redirigidaEm: timestamp('redirigida_em', { withTimezone: true }),
}

/** Events that the automatic flow can never apply, each with its reason. */
export const cartaMorta = pgTable('carta_morta', carta, (t) => [primaryKey({ columns: [t.particao, t.posicao] })])

/** The same of the webhooks. */
export const cartaAvisos = pgTable('carta_avisos', carta, (t) => [primaryKey({ columns: [t.particao, t.posicao] })])
