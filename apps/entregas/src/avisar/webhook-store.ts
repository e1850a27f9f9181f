import { randomBytes, randomUUID } from 'node:crypto'
import { Indisponivel } from '@fluxo/shared/errors'
import { isInfrastructure, isUniqueViolation } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import type { Sql } from '@fluxo/shared/postgres/sql'
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

type Row = {
  id: string
  url: string
  eventos: string[] | null
  criado_em: Date
  desativado_em: Date | null
  motivo: string | null
}

const webhookDe = (row: Row): Webhook => ({
  id: row.id,
  url: row.url,
  eventos: row.eventos ?? undefined,
  criadoEm: row.criado_em,
  desativadoEm: row.desativado_em ?? undefined,
  motivo: row.motivo ?? undefined,
})

/**
 * Webhooks and their log, as their merchants ask for them. `leituras` is a pool of `LEITURA_SETTINGS`, which sees one merchant's rows
 * and no secrets; `sql` is the service's own, for what changes something.
 */
export function createWebhookStore({ sql, leituras }: { sql: Sql; leituras: Sql }): WebhookStore {
  const em =
    (pool: Sql) =>
    async <Linha extends object>(texto: string, valores: readonly (string | number | null)[]) => {
      try {
        return await pool.unsafe<Linha[]>(texto, [...valores], { prepare: true })
      } catch (cause) {
        if (!isInfrastructure(cause)) throw cause
        const mensagem = 'Os webhooks estão indisponíveis agora. Tente de novo.'
        throw new Indisponivel('banco-indisponivel', mensagem, RETRY_AFTER_SECONDS, { cause })
      }
    }
  const [mudar, ler] = [em(sql), em(leituras)]
  return {
    criar: async ({ id, comercianteId, particao, url, eventos }) => {
      const segredo = novoSegredo()
      const lista = eventos === undefined ? null : JSON.stringify(eventos)
      // Whoever loses a place has lost it to somebody who has it now, so this ends.
      for (;;) {
        try {
          const [row] = await mudar<Row>(CRIAR, [id, comercianteId, url, lista, segredo, particao, WEBHOOKS_MAX])
          return row && { webhook: webhookDe(row), segredo }
        } catch (error) {
          if (!isUniqueViolation(error)) throw error
        }
      }
    },
    listar: async (comercianteId) => (await ler<Row>(LISTAR, [comercianteId])).map(webhookDe),
    porId: async (comercianteId, id) => {
      const [row] = await ler<Row>(POR_ID, [comercianteId, id])
      return row && webhookDe(row)
    },
    remover: async (comercianteId, id) =>
      (await mudar(REMOVER, [id, comercianteId, codigoDaSituacao('cancelled')])).length > 0,
    trocarSegredo: async (comercianteId, id) => {
      const segredo = novoSegredo()
      return (await mudar(TROCAR, [id, comercianteId, segredo])).length > 0 ? segredo : undefined
    },
    testar: async (id) => {
      const [row] = await mudar<{ id: string }>(TESTAR, [id, randomUUID(), TIPO_DE_TESTE])
      return row?.id ?? ''
    },
    reenviar: async (id, avisoId) => (await mudar(REENVIAR, [avisoId, id])).length > 0,
    entregas: async (comercianteId, id, { depois, quantos, so }) => {
      const linhas = await ler<EntregaRow>(ENTREGAS, [
        comercianteId,
        id,
        depois?.criadoEm ?? null,
        depois?.id ?? null,
        quantos,
        so ?? null,
      ])
      return linhas.map(entregaDe)
    },
  }
}

const COLUNAS = 'w.id, w.url, w.eventos, w.criado_em, w.desativado_em, w.motivo'

/** Takes the merchant's first free place; two that reach for one are decided by its unique index. */
const CRIAR = `
insert into webhook as w (id, comerciante_id, url, eventos, segredo, desde, vaga)
select $1::uuid, $2, $3, (select array_agg(e) from jsonb_array_elements_text($4::text::jsonb) e), $5,
  (select p.ultima from posicao p where p.particao = $6::smallint), livre.vaga
from (
  select g as vaga from generate_series(1, $7::int) g
  where not exists (select from webhook w where w.comerciante_id = $2 and w.removido_em is null and w.vaga = g)
  order by g limit 1
) livre
returning ${COLUNAS}`

const LISTAR = ownRows(`select ${COLUNAS} from webhook w where w.comerciante_id = $1 and w.removido_em is null
  order by w.criado_em, w.id`)

const POR_ID = ownRows(`select ${COLUNAS} from webhook w
  where w.id = $2::uuid and w.comerciante_id = $1 and w.removido_em is null`)

const REMOVER = `
with fim as (
  update webhook set removido_em = now(), segredo = '', segredo_anterior = null, anterior_ate = null
  where id = $1::uuid and comerciante_id = $2 and removido_em is null returning id
),
cancelados as (
  update aviso set vence_em = null, terminado_em = now(), situacao = $3::smallint
  where webhook_id = (select id from fim) and vence_em is not null
)
select id from fim`

const TROCAR = `
update webhook set segredo = $3, segredo_anterior = segredo, anterior_ate = now() + interval '${ROTACAO_HORAS} hours'
where id = $1::uuid and comerciante_id = $2 and removido_em is null returning id`

const TESTAR = `insert into aviso (webhook_id, evento_id, tipo, vence_em) values ($1::uuid, $2::uuid, $3, now()) returning id`

const REENVIAR = `
update aviso set vence_em = now(), terminado_em = null, situacao = 0, passo = 0, devolvido_em = null, motivo = null
where id = $1::uuid and webhook_id = $2::uuid returning id`

type EntregaRow = {
  id: string
  tipo: string
  evento_id: string
  situacao: number
  criado_em: Date
  vence_em: Date | null
  terminado_em: Date | null
  devolvido_em: Date | null
  motivo: string | null
  tentativas: Entrega['tentativas'] | null
}

/** Walks the index (webhook_id, criado_em, id) backwards from a point; `$6` is one delivery alone. */
const ENTREGAS = ownRows(`
select a.id, a.tipo, a.evento_id, a.situacao::int as situacao, a.criado_em, a.vence_em, a.terminado_em, a.devolvido_em, a.motivo,
  (select json_agg(json_build_object('tentativa', t.tentativa, 'em', t.em, 'duracao_ms', t.duracao_ms, 'status', t.status,
    'erro', t.erro, 'resposta', t.resposta) order by t.tentativa) from aviso_tentativa t where t.aviso_id = a.id) as tentativas
from webhook w join aviso a on a.webhook_id = w.id
where w.id = $2::uuid and w.comerciante_id = $1
  and ($3::text is null or (a.criado_em, a.id) < ($3::text::timestamptz, $4::text::uuid))
  and ($6::text is null or a.id = $6::text::uuid)
order by a.criado_em desc, a.id desc limit $5::int`)

const entregaDe = (row: EntregaRow): Entrega => ({
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
