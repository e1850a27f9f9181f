import { randomBytes, randomUUID } from 'node:crypto'
import { aviso, webhook } from '@fluxo/drizzle/avisos/schema'
import type { PagePoint } from '@fluxo/shared/http/page/page'
import { ask, askOwn, type Question } from '@fluxo/shared/postgres/ask'
import { isUniqueViolation, throwUnavailable } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types'
import { AVISO_STATUSES, avisoStatusCode } from '../avisar/aviso-store.ts'
import { SECRET_BYTES, secretOf } from '../avisar/signature.ts'
import { TEST_TIPO } from '../notar/body.ts'
import type { Webhook } from './webhook.ts'

/** A delivery in the log, with all its attempts. */
export type Aviso = {
  id: string
  tipo: string
  eventoId: string
  situacao: (typeof AVISO_STATUSES)[number]
  createdAt: Date
  dueAt: Date | undefined
  finishedAt: Date | undefined
  /** Since when and why it was given back untried; undefined where an attempt was made since, or none was due. */
  held: { em: Date; motivo: string } | undefined
  tentativas: {
    tentativa: number
    em: string
    duracao_ms: number
    status: number | null
    erro: string | null
    resposta: string | null
  }[]
}

export type WebhookStore = {
  /** Makes a webhook; `undefined` where the merchant has as many as one may have. The secret is told here and never again. */
  create: (asked: {
    id: string
    comercianteId: string
    url: string
    eventos: string[] | undefined
    /** What was recorded before is not told. */
    since: Date
  }) => Promise<{ webhook: Webhook; segredo: string } | undefined>
  listar: (comercianteId: string) => Promise<Webhook[]>
  byId: (comercianteId: string, id: string) => Promise<Webhook | undefined>
  /** Ends a webhook and what waits for it; false where there is none. */
  remove: (comercianteId: string, id: string) => Promise<boolean>
  /** A new secret; the one before signs beside it for a day. `undefined` where there is no such webhook. */
  rotateSecret: (comercianteId: string, id: string) => Promise<string | undefined>
  /** A delivery that tells of nothing, due now; gives its id. The webhook must exist. */
  sendTest: (id: string) => Promise<string>
  /** Makes a delivery due again, as if it were new; false where there is none. */
  resend: (id: string, avisoId: string) => Promise<boolean>
  /** The deliveries of the merchant's webhook, newest first. */
  avisos: (
    comercianteId: string,
    id: string,
    page: { after?: PagePoint | undefined; count: number; only?: string },
  ) => Promise<Aviso[]>
}

/** Settings of the pool for reads of one merchant: a role under row-level security (docs/decisions/0011), and plans that walk an index. */
export const READ_SETTINGS = {
  role: 'avisos_leitura',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_sort: 'off',
}

/** Webhooks of one merchant: each event is sent to each of them. */
export const WEBHOOKS_MAX = 10
/** For so long a receiver may still know only the secret before. */
const ROTATION_HOURS = 24

const newSecret = (): string => secretOf(randomBytes(SECRET_BYTES))

/** What a merchant sees of a webhook, and the role of reads with it. */
const VISIBLE = {
  id: webhook.id,
  url: webhook.url,
  eventos: webhook.eventos,
  criado_em: webhook.criado_em,
  desativado_em: webhook.desativado_em,
  motivo: webhook.motivo,
}

const webhookFromRow = (row: SelectResultFields<typeof VISIBLE>): Webhook => ({
  id: row.id,
  url: row.url,
  eventos: row.eventos ?? undefined,
  createdAt: row.criado_em,
  disabledAt: row.desativado_em ?? undefined,
  motivo: row.motivo ?? undefined,
})

/** The merchant's webhooks, or the one with this id. */
const ofComerciante = (comercianteId: string, id?: string): SQL | undefined =>
  and(
    eq(webhook.comerciante_id, comercianteId),
    id === undefined ? undefined : eq(webhook.id, id),
    isNull(webhook.removido_em),
  )

const unavailable = throwUnavailable('Os webhooks estão indisponíveis')

/**
 * Webhooks and their log, as their merchants ask for them. `readPool` is a pool of `READ_SETTINGS`, which sees one merchant's rows
 * and no secrets; `pool` is the service's own, for what changes something.
 */
export function createWebhookStore({ sql: pool, readPool }: { sql: Sql; readPool: Sql }): WebhookStore {
  const write = <T>(question: Question<T>) => ask(pool, question).catch(unavailable)
  const read = <T>(comercianteId: string, question: Question<T>) =>
    askOwn(readPool, comercianteId, question).catch(unavailable)
  return {
    create: async (asked) => {
      const secret = newSecret()
      // Whoever loses a place has lost it to somebody who has it now, so this ends.
      for (;;) {
        try {
          const [row] = await write((db) => db.execute<{ criado_em: Date }>(creation({ ...asked, segredo: secret })))
          const { id, url, eventos } = asked
          const stopped = { disabledAt: undefined, motivo: undefined }
          return row && { webhook: { id, url, eventos, createdAt: row.criado_em, ...stopped }, segredo: secret }
        } catch (error) {
          if (!isUniqueViolation(error)) throw error
        }
      }
    },
    listar: async (comercianteId) => {
      const rows = await read(comercianteId, (db) =>
        db.select(VISIBLE).from(webhook).where(ofComerciante(comercianteId)).orderBy(webhook.criado_em, webhook.id),
      )
      return rows.map(webhookFromRow)
    },
    byId: async (comercianteId, id) => {
      const [row] = await read(comercianteId, (db) =>
        db.select(VISIBLE).from(webhook).where(ofComerciante(comercianteId, id)),
      )
      return row && webhookFromRow(row)
    },
    remove: async (comercianteId, id) => (await write((db) => db.execute(removal(comercianteId, id)))).length > 0,
    rotateSecret: async (comercianteId, id) => {
      const secret = newSecret()
      const previous = {
        segredo_anterior: sql`${webhook.segredo}`,
        anterior_ate: sql`now() + make_interval(hours => ${ROTATION_HOURS}::int)`,
      }
      const rows = await write((db) =>
        db
          .update(webhook)
          .set({ segredo: secret, ...previous })
          .where(ofComerciante(comercianteId, id))
          .returning({ id: webhook.id }),
      )
      return rows.length > 0 ? secret : undefined
    },
    sendTest: async (id) => {
      const asked = { webhook_id: id, evento_id: randomUUID(), tipo: TEST_TIPO, vence_em: sql`now()` }
      const [row] = await write((db) => db.insert(aviso).values(asked).returning({ id: aviso.id }))
      return row?.id ?? ''
    },
    resend: async (id, avisoId) => {
      const asked = {
        vence_em: sql`now()`,
        terminado_em: null,
        situacao: 0,
        passo: 0,
        devolvido_em: null,
        motivo: null,
      }
      const thisAviso = and(eq(aviso.id, avisoId), eq(aviso.webhook_id, id))
      return (await write((db) => db.update(aviso).set(asked).where(thisAviso).returning({ id: aviso.id }))).length > 0
    },
    avisos: async (comercianteId, id, { after, count, only }) => {
      const conditions = and(
        eq(webhook.id, id),
        eq(webhook.comerciante_id, comercianteId),
        after && sql`(${aviso.criado_em}, ${aviso.id}) < (${after[0]}, ${after[1]})`,
        only === undefined ? undefined : eq(aviso.id, only),
      )
      const rows = await read(comercianteId, (db) =>
        db
          .select(AVISO_FIELDS)
          .from(webhook)
          .innerJoin(aviso, eq(aviso.webhook_id, webhook.id))
          .where(conditions)
          .orderBy(desc(aviso.criado_em), desc(aviso.id))
          .limit(count),
      )
      return rows.map(avisoFromRow)
    },
  }
}

type NewWebhook = Parameters<WebhookStore['create']>[0] & { segredo: string }

/** Takes the merchant's first free place; two that reach for one are decided by its unique index. */
const creation = ({ id, comercianteId, url, eventos, since, segredo: secret }: NewWebhook): SQL => sql`
with ouve as (
  insert into ouvinte (comerciante_id, desde) values (${comercianteId}, ${since.toISOString()}) on conflict do nothing
)
insert into webhook (id, comerciante_id, url, eventos, segredo, desde, vaga)
select ${id}::uuid, ${comercianteId}, ${url}, ${sql.param(eventos ?? null, webhook.eventos)}::text[], ${secret}, ${since.toISOString()}::timestamptz, g
from generate_series(1, ${WEBHOOKS_MAX}::int) g
where not exists (select from webhook w where w.comerciante_id = ${comercianteId} and w.removido_em is null and w.vaga = g)
order by g limit 1
returning criado_em`

/** Ends a webhook, and what waits for it. */
const removal = (comercianteId: string, id: string): SQL => sql`
with fim as (
  update webhook set removido_em = now(), segredo = '', segredo_anterior = null, anterior_ate = null
  where id = ${id} and comerciante_id = ${comercianteId} and removido_em is null returning id
),
cancelados as (
  update aviso set vence_em = null, terminado_em = now(), situacao = ${avisoStatusCode('cancelled')}
  where webhook_id = (select id from fim) and vence_em is not null
)
select id from fim`

/** What a merchant sees of a delivery. The index (webhook_id, criado_em, id) is walked backwards. */
const AVISO_FIELDS = {
  id: aviso.id,
  tipo: aviso.tipo,
  evento_id: aviso.evento_id,
  situacao: aviso.situacao,
  criado_em: aviso.criado_em,
  vence_em: aviso.vence_em,
  terminado_em: aviso.terminado_em,
  devolvido_em: aviso.devolvido_em,
  motivo: aviso.motivo,
  tentativas: sql<Aviso['tentativas'] | null>`(
    select json_agg(json_build_object('tentativa', t.tentativa, 'em', t.em, 'duracao_ms', t.duracao_ms, 'status', t.status,
      'erro', t.erro, 'resposta', t.resposta) order by t.tentativa) from aviso_tentativa t where t.aviso_id = ${aviso.id})`,
}

const avisoFromRow = (row: SelectResultFields<typeof AVISO_FIELDS>): Aviso => ({
  id: row.id,
  tipo: row.tipo,
  eventoId: row.evento_id,
  situacao: AVISO_STATUSES[row.situacao] ?? 'pending',
  createdAt: row.criado_em,
  dueAt: row.vence_em ?? undefined,
  finishedAt: row.terminado_em ?? undefined,
  held: row.devolvido_em === null || row.motivo === null ? undefined : { em: row.devolvido_em, motivo: row.motivo },
  tentativas: row.tentativas ?? [],
})
