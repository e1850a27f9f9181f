import type { aviso, evento, webhook } from '@fluxo/drizzle/avisos/schema'
import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { avisoStatusCode } from './aviso-store.ts'
import type { WebhookSecrets } from './signature.ts'

/** A delivery in hand: what to send, where to, and how often it was tried in this round. */
export type ClaimedAviso = WebhookSecrets & {
  id: string
  webhookId: string
  comercianteId: string
  tipo: string
  createdAt: Date
  passo: number
  tentativa: number
  /** When it was first given back untried in this round. */
  heldSince: Date | undefined
  url: string
  /** The event's, as it is sent; null for a test. */
  corpo: string | null
}

/** A claim outlives the slowest attempt (15 s) and what is done with it: then its instance is dead. */
const CLAIM_MS = 60_000

/**
 * Takes due deliveries, `$1` at most: `$2` of each webhook, none of the webhooks `$3`, and of each merchant so many that it has `$6` under
 * way together with those that `$4` and `$5` name. The recursion hops over the index from one webhook with something to do to the next,
 * so a long queue of one costs the others nothing, and the merchant with the fewest under way comes first; `skip locked`, so that
 * instances take different ones. A delivery that was noted in the moment in which its webhook ended is ended, too.
 */
const CLAIM = statement(
  'deliveries.claim',
  `
with recursive alvos(webhook_id, vence_em) as (
  (select a.webhook_id, a.vence_em from aviso a where a.vence_em is not null order by a.webhook_id, a.vence_em limit 1)
  union all
  select p.webhook_id, p.vence_em from alvos t cross join lateral (
    select a.webhook_id, a.vence_em from aviso a where a.vence_em is not null and a.webhook_id > t.webhook_id
    order by a.webhook_id, a.vence_em limit 1
  ) p
),
estados as materialized (
  select w.id as webhook_id, w.comerciante_id, t.vence_em, w.removido_em is null and w.desativado_em is null as vivo
  from alvos t cross join lateral (select * from webhook w where w.id = t.webhook_id limit 1) w
),
cancelados as (
  update aviso a set vence_em = null, terminado_em = now(), situacao = ${avisoStatusCode('cancelled')}
  from estados t where not t.vivo and a.webhook_id = t.webhook_id and a.vence_em is not null
),
vez as materialized (
  select t.webhook_id, t.vence_em, coalesce(o.quantos, 0)
    + (row_number() over (partition by t.comerciante_id order by t.vence_em) - 1) * $2::int as antes
  from estados t left join unnest($4::text::text[], $5::text::int[]) o(comerciante_id, quantos) using (comerciante_id)
  where t.vivo and t.vence_em <= now() and t.webhook_id <> all($3::text::uuid[])
),
fila as materialized (
  select webhook_id, least($2::int, $6::int - antes) as quantos from vez where antes < $6::int order by antes, vence_em
),
devidos as materialized (
  select d.id from fila t cross join lateral (
    select a.id from aviso a where a.webhook_id = t.webhook_id and a.vence_em <= now()
    order by a.vence_em limit t.quantos for update skip locked
  ) d
  limit $1::int
),
tomados as (
  update aviso a set vence_em = now() + interval '${CLAIM_MS} milliseconds', tentativas = a.tentativas + 1
  from devidos d where a.id = d.id
  returning a.id, a.webhook_id, a.tipo, a.criado_em, a.passo, a.tentativas, a.devolvido_em, a.evento_id
)
select t.id, t.webhook_id, w.comerciante_id, t.tipo, t.criado_em, t.passo::int as passo, t.tentativas as tentativa, t.devolvido_em,
  w.url, w.segredo, w.segredo_anterior, w.anterior_ate, e.corpo
from tomados t join webhook w on w.id = t.webhook_id left join evento e on e.id = t.evento_id`,
)

type ClaimedRow = Pick<
  typeof aviso.$inferSelect,
  'id' | 'webhook_id' | 'tipo' | 'criado_em' | 'passo' | 'devolvido_em'
> &
  Pick<typeof webhook.$inferSelect, 'comerciante_id' | 'url' | 'segredo' | 'segredo_anterior' | 'anterior_ate'> & {
    tentativa: number
    corpo: (typeof evento.$inferSelect)['corpo'] | null
  }

export type ClaimLimits = {
  count: number
  perWebhook: number
  perComerciante: number
  /** How many each merchant has under way. */
  underWay: ReadonlyMap<string, number>
  /** Webhooks of which none is taken. */
  except: readonly string[]
}

/** Takes at most `count` due deliveries, fairly. */
export async function claimAvisos(
  sql: Sql,
  { count, perWebhook, perComerciante, underWay, except }: ClaimLimits,
): Promise<ClaimedAviso[]> {
  const values = [
    count,
    perWebhook,
    arrayLiteral(except),
    arrayLiteral([...underWay.keys()]),
    arrayLiteral([...underWay.values()]),
    perComerciante,
  ]
  const rows = await run<ClaimedRow>(sql, CLAIM, values)
  return rows.map((row) => ({
    id: row.id,
    webhookId: row.webhook_id,
    comercianteId: row.comerciante_id,
    tipo: row.tipo,
    createdAt: row.criado_em,
    passo: row.passo,
    tentativa: row.tentativa,
    heldSince: row.devolvido_em ?? undefined,
    url: row.url,
    segredo: row.segredo,
    previous: row.segredo_anterior ?? undefined,
    previousUntil: row.anterior_ate ?? undefined,
    corpo: row.corpo,
  }))
}
