import { randomBytes, randomUUID } from 'node:crypto'
import { aviso, webhook } from '@fluxo/drizzle/entregas/schema'
import { Indisponivel } from '@fluxo/shared/errors'
import { ask, askOwn, type Question } from '@fluxo/shared/postgres/ask'
import { isInfrastructure, isUniqueViolation } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types'
import { SEGREDO_BYTES, segredoDe } from './assinatura.ts'
import { TIPO_DE_TESTE } from './avisar.ts'
import { codigoDaSituacao, SITUACOES } from './aviso-store.ts'
import type { Webhook } from './webhook.ts'

/** A delivery in the log, with all its attempts. */
export type Entrega = {
  id: string
  tipo: string
  eventoId: string
  situacao: (typeof SITUACOES)[number]
  criadoEm: Date
  venceEm: Date | undefined
  terminadoEm: Date | undefined
  /** Since when and why it was given back untried; undefined where an attempt was made since, or none was due. */
  devolvida: { em: Date; motivo: string } | undefined
  tentativas: {
    tentativa: number
    em: string
    duracao_ms: number
    status: number | null
    erro: string | null
    resposta: string | null
  }[]
}

/** A place in the log of deliveries, newest first. */
type PontoDeEntrega = { criadoEm: string; id: string }

export type WebhookStore = {
  /** Makes a webhook; `undefined` where the merchant has as many as one may have. The secret is told here and never again. */
  criar: (novo: {
    id: string
    comercianteId: string
    particao: number
    url: string
    eventos: string[] | undefined
  }) => Promise<{ webhook: Webhook; segredo: string } | undefined>
  listar: (comercianteId: string) => Promise<Webhook[]>
  porId: (comercianteId: string, id: string) => Promise<Webhook | undefined>
  /** Ends a webhook and what waits for it; false where there is none. */
  remover: (comercianteId: string, id: string) => Promise<boolean>
  /** A new secret; the one before signs beside it for a day. `undefined` where there is no such webhook. */
  trocarSegredo: (comercianteId: string, id: string) => Promise<string | undefined>
  /** A delivery that tells of nothing, due now; gives its id. The webhook must exist. */
  testar: (id: string) => Promise<string>
  /** Makes a delivery due again, as if it were new; false where there is none. */
  reenviar: (id: string, avisoId: string) => Promise<boolean>
  /** The deliveries of the merchant's webhook, newest first. */
  entregas: (
    comercianteId: string,
    id: string,
    pagina: { depois?: PontoDeEntrega | undefined; quantos: number; so?: string },
  ) => Promise<Entrega[]>
}

/** Webhooks of one merchant: each event is sent to each of them. */
export const WEBHOOKS_MAX = 10
/** For so long a receiver may still know only the secret before. */
const ROTACAO_HORAS = 24
const RETRY_AFTER_SECONDS = 2

const novoSegredo = (): string => segredoDe(randomBytes(SEGREDO_BYTES))

/** What a merchant sees of a webhook, and the role of reads with it. */
const VISIVEL = {
  id: webhook.id,
  url: webhook.url,
  eventos: webhook.eventos,
  criado_em: webhook.criado_em,
  desativado_em: webhook.desativado_em,
  motivo: webhook.motivo,
}

const webhookDe = (row: SelectResultFields<typeof VISIVEL>): Webhook => ({
  id: row.id,
  url: row.url,
  eventos: row.eventos ?? undefined,
  criadoEm: row.criado_em,
  desativadoEm: row.desativado_em ?? undefined,
  motivo: row.motivo ?? undefined,
})

/** The merchant's webhooks, or the one with this id. */
const de = (comercianteId: string, id?: string): SQL | undefined =>
  and(
    eq(webhook.comerciante_id, comercianteId),
    id === undefined ? undefined : eq(webhook.id, id),
    isNull(webhook.removido_em),
  )

/** Awaits `work`; PostgreSQL out of reach is told as such. */
const tentar = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    if (!isInfrastructure(cause)) throw cause
    const mensagem = 'Os webhooks estão indisponíveis agora. Tente de novo.'
    throw new Indisponivel('banco-indisponivel', mensagem, RETRY_AFTER_SECONDS, { cause })
  }
}

/**
 * Webhooks and their log, as their merchants ask for them. `leituras` is a pool of `LEITURA_SETTINGS`, which sees one merchant's rows
 * and no secrets; `pool` is the service's own, for what changes something.
 */
export function createWebhookStore({ sql: pool, leituras }: { sql: Sql; leituras: Sql }): WebhookStore {
  const mudar = <T>(question: Question<T>) => tentar(ask(pool, question))
  const ler = <T>(comercianteId: string, question: Question<T>) => tentar(askOwn(leituras, comercianteId, question))
  return {
    criar: async (novo) => {
      const segredo = novoSegredo()
      // Whoever loses a place has lost it to somebody who has it now, so this ends.
      for (;;) {
        try {
          const [row] = await mudar((db) => db.execute<{ criado_em: Date }>(criacao({ ...novo, segredo })))
          const { id, url, eventos } = novo
          const parado = { desativadoEm: undefined, motivo: undefined }
          return row && { webhook: { id, url, eventos, criadoEm: row.criado_em, ...parado }, segredo }
        } catch (error) {
          if (!isUniqueViolation(error)) throw error
        }
      }
    },
    listar: async (comercianteId) => {
      const rows = await ler(comercianteId, (db) =>
        db.select(VISIVEL).from(webhook).where(de(comercianteId)).orderBy(webhook.criado_em, webhook.id),
      )
      return rows.map(webhookDe)
    },
    porId: async (comercianteId, id) => {
      const [row] = await ler(comercianteId, (db) => db.select(VISIVEL).from(webhook).where(de(comercianteId, id)))
      return row && webhookDe(row)
    },
    remover: async (comercianteId, id) => (await mudar((db) => db.execute(remocao(comercianteId, id)))).length > 0,
    trocarSegredo: async (comercianteId, id) => {
      const segredo = novoSegredo()
      const anterior = {
        segredo_anterior: sql`${webhook.segredo}`,
        anterior_ate: sql`now() + make_interval(hours => ${ROTACAO_HORAS}::int)`,
      }
      const rows = await mudar((db) =>
        db
          .update(webhook)
          .set({ segredo, ...anterior })
          .where(de(comercianteId, id))
          .returning({ id: webhook.id }),
      )
      return rows.length > 0 ? segredo : undefined
    },
    testar: async (id) => {
      const novo = { webhook_id: id, evento_id: randomUUID(), tipo: TIPO_DE_TESTE, vence_em: sql`now()` }
      const [row] = await mudar((db) => db.insert(aviso).values(novo).returning({ id: aviso.id }))
      return row?.id ?? ''
    },
    reenviar: async (id, avisoId) => {
      const novo = { vence_em: sql`now()`, terminado_em: null, situacao: 0, passo: 0, devolvido_em: null, motivo: null }
      const este = and(eq(aviso.id, avisoId), eq(aviso.webhook_id, id))
      return (await mudar((db) => db.update(aviso).set(novo).where(este).returning({ id: aviso.id }))).length > 0
    },
    entregas: async (comercianteId, id, { depois, quantos, so }) => {
      const onde = and(
        eq(webhook.id, id),
        eq(webhook.comerciante_id, comercianteId),
        depois && sql`(${aviso.criado_em}, ${aviso.id}) < (${depois.criadoEm}, ${depois.id})`,
        so === undefined ? undefined : eq(aviso.id, so),
      )
      const rows = await ler(comercianteId, (db) =>
        db
          .select(ENTREGA)
          .from(webhook)
          .innerJoin(aviso, eq(aviso.webhook_id, webhook.id))
          .where(onde)
          .orderBy(desc(aviso.criado_em), desc(aviso.id))
          .limit(quantos),
      )
      return rows.map(entregaDe)
    },
  }
}

type NovoWebhook = Parameters<WebhookStore['criar']>[0] & { segredo: string }

/** Takes the merchant's first free place; two that reach for one are decided by its unique index. */
const criacao = ({ id, comercianteId, particao, url, eventos, segredo }: NovoWebhook): SQL => sql`
insert into webhook (id, comerciante_id, url, eventos, segredo, desde, vaga)
select ${id}::uuid, ${comercianteId}, ${url}, ${sql.param(eventos ?? null, webhook.eventos)}::text[], ${segredo},
  (select p.ultima from posicao p where p.particao = ${particao}), g
from generate_series(1, ${WEBHOOKS_MAX}::int) g
where not exists (select from webhook w where w.comerciante_id = ${comercianteId} and w.removido_em is null and w.vaga = g)
order by g limit 1
returning criado_em`

/** Ends a webhook, and what waits for it. */
const remocao = (comercianteId: string, id: string): SQL => sql`
with fim as (
  update webhook set removido_em = now(), segredo = '', segredo_anterior = null, anterior_ate = null
  where id = ${id} and comerciante_id = ${comercianteId} and removido_em is null returning id
),
cancelados as (
  update aviso set vence_em = null, terminado_em = now(), situacao = ${codigoDaSituacao('cancelled')}
  where webhook_id = (select id from fim) and vence_em is not null
)
select id from fim`

/** What a merchant sees of a delivery. The index (webhook_id, criado_em, id) is walked backwards. */
const ENTREGA = {
  id: aviso.id,
  tipo: aviso.tipo,
  evento_id: aviso.evento_id,
  situacao: aviso.situacao,
  criado_em: aviso.criado_em,
  vence_em: aviso.vence_em,
  terminado_em: aviso.terminado_em,
  devolvido_em: aviso.devolvido_em,
  motivo: aviso.motivo,
  tentativas: sql<Entrega['tentativas'] | null>`(
    select json_agg(json_build_object('tentativa', t.tentativa, 'em', t.em, 'duracao_ms', t.duracao_ms, 'status', t.status,
      'erro', t.erro, 'resposta', t.resposta) order by t.tentativa) from aviso_tentativa t where t.aviso_id = ${aviso.id})`,
}

const entregaDe = (row: SelectResultFields<typeof ENTREGA>): Entrega => ({
  id: row.id,
  tipo: row.tipo,
  eventoId: row.evento_id,
  situacao: SITUACOES[row.situacao] ?? 'pending',
  criadoEm: row.criado_em,
  venceEm: row.vence_em ?? undefined,
  terminadoEm: row.terminado_em ?? undefined,
  devolvida:
    row.devolvido_em === null || row.motivo === null ? undefined : { em: row.devolvido_em, motivo: row.motivo },
  tentativas: row.tentativas ?? [],
})
