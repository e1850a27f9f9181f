import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'

/** What a delivery has come to; the index is the code in the database. */
export const AVISO_STATUSES = ['pending', 'delivered', 'exhausted', 'cancelled'] as const
export type AvisoStatus = (typeof AVISO_STATUSES)[number]
export const avisoStatusCode = (avisoStatus: AvisoStatus): number => AVISO_STATUSES.indexOf(avisoStatus)

/** What becomes of a delivery that was taken. One that is given back was not tried; `reason` is why, where that is not our own leaving. */
export type AvisoEnding = { id: string; tentativa: number } & (
  | { devolver: true; situacao: AvisoStatus; waitMs: number | undefined; motivo: string | undefined }
  | {
      devolver: false
      situacao: AvisoStatus
      /** Until the next attempt; undefined where there is none. */
      waitMs: number | undefined
      durationMs: number
      status: number | undefined
      error: string | undefined
      answer: string | undefined
    }
)

/** A webhook whose deliveries fail for so long, none of them taken, is disabled. */
const DEAD_AFTER = `interval '5 days'`

/**
 * Notes what came of attempts, and when the next ones are due. A row that somebody else has taken meanwhile, or that is not pending any
 * more, is left as it is; its attempt is noted all the same. What is given back was no attempt; why, and since when, is kept with it. A webhook knows since when it
 * fails; it is written only where that begins, ends or has lasted too long, in an order in which nobody waits for each other.
 */
const NOTE_ENDINGS = statement(
  'deliveries.note-endings',
  `
with feitos as materialized (
  select * from unnest($1::text::uuid[], $2::text::int[], $3::text::boolean[], $4::text::smallint[], $5::text::float8[],
    $6::text::int[], $7::text::smallint[], $8::text::text[], $9::text::text[], $10::text::text[])
  as f(id, tentativa, devolver, situacao, espera_ms, duracao_ms, status, erro, resposta, motivo)
),
mudados as (
  update aviso a set
    vence_em = now() + f.espera_ms * interval '1 millisecond',
    situacao = f.situacao,
    terminado_em = case when f.espera_ms is null then now() end,
    passo = a.passo + case when f.devolver then 0 else 1 end,
    tentativas = a.tentativas - case when f.devolver then 1 else 0 end,
    devolvido_em = case when f.motivo is null then a.devolvido_em else coalesce(a.devolvido_em, now()) end,
    motivo = case when f.devolver then coalesce(f.motivo, a.motivo) end
  from feitos f where a.id = f.id and a.tentativas = f.tentativa and a.vence_em is not null
),
saude as materialized (
  select w.id, s.entregue, not s.entregue and w.falhando_desde < now() - ${DEAD_AFTER} as morto
  from webhook w join (
    select a.webhook_id, bool_or(f.situacao = ${avisoStatusCode('delivered')}) as entregue
    from feitos f join aviso a on a.id = f.id where not f.devolver or f.motivo is not null group by a.webhook_id
  ) s on s.webhook_id = w.id
  where w.desativado_em is null and case when s.entregue then w.falhando_desde is not null
    else w.falhando_desde is null or w.falhando_desde < now() - ${DEAD_AFTER} end
  order by w.id for update of w
),
notados as (
  update webhook w set
    falhando_desde = case when not s.entregue then coalesce(w.falhando_desde, now()) end,
    desativado_em = case when s.morto then now() end,
    motivo = case when s.morto then 'O destino falhou por 5 dias.' end
  from saude s where w.id = s.id
)
insert into aviso_tentativa (aviso_id, tentativa, em, duracao_ms, status, erro, resposta)
select f.id, f.tentativa, now(), f.duracao_ms, f.status, f.erro, f.resposta from feitos f where not f.devolver
on conflict (aviso_id, tentativa) do nothing`,
)

/** Notes what came of deliveries, all in one statement. */
export async function noteEndings(sql: Sql, endings: readonly AvisoEnding[]): Promise<void> {
  const column = (valor: (ending: AvisoEnding) => string | number | null): string => arrayLiteral(endings.map(valor))
  const ofAttempt = (
    valor: (ending: Extract<AvisoEnding, { devolver: false }>) => string | number | undefined,
  ): string => column((ending) => (ending.devolver ? null : (valor(ending) ?? null)))
  await run(sql, NOTE_ENDINGS, [
    column(({ id }) => id),
    column(({ tentativa }) => tentativa),
    column(({ devolver }) => String(devolver)),
    column(({ situacao: avisoStatus }) => avisoStatusCode(avisoStatus)),
    column(({ waitMs }) => waitMs ?? null),
    ofAttempt(({ durationMs }) => durationMs),
    ofAttempt(({ status }) => status),
    ofAttempt(({ error }) => error),
    ofAttempt(({ answer }) => answer),
    column((ending) => (ending.devolver ? (ending.motivo ?? null) : null)),
  ])
}

const DISABLE = statement(
  'webhooks.disable',
  `with fim as (
     update webhook set desativado_em = now(), motivo = $2::text where id = $1::text::uuid and desativado_em is null
   )
   update aviso set vence_em = null, terminado_em = now(), situacao = ${avisoStatusCode('cancelled')}
   where webhook_id = $1::text::uuid and vence_em is not null`,
)

/** Ends a webhook whose receiver is gone for good, and what still waited for it. */
export async function disableWebhook(sql: Sql, id: string, reason: string): Promise<void> {
  await run(sql, DISABLE, [id, reason])
}

const PRUNE = statement(
  'deliveries.prune',
  `delete from aviso where id in (
     select id from aviso where criado_em < now() - $1::int * interval '1 day' and vence_em is null
     order by criado_em limit $2 for update skip locked)`,
)

/** Events have no delivery that could still be asked for: those of webhooks that were removed are done for. */
const PRUNE_EVENTOS = statement(
  'events.prune',
  `delete from evento where (comerciante_id, seq) in (
     select e.comerciante_id, e.seq from evento e
     where e.criado_em < now() - $1::int * interval '1 day' and not exists (
       select from webhook w join aviso a on a.webhook_id = w.id and a.evento_id = e.id
       where w.comerciante_id = e.comerciante_id and w.removido_em is null)
     order by e.criado_em limit $2)`,
)

type Pruning = { days: number; count: number }

/** Deletes what is older than `days` days, at most `count` of each: deliveries that have ended, then events that have none. */
export async function pruneAvisos(sql: Sql, { days, count }: Pruning): Promise<void> {
  await run(sql, PRUNE, [days, count])
  await run(sql, PRUNE_EVENTOS, [days, count])
}

const COUNT = statement(
  'deliveries.count',
  `select count(*)::float8 as count,
     (select count(*)::float8 from webhook where desativado_em is not null and removido_em is null) as disabled,
     greatest(0, coalesce(extract(epoch from now() - min(vence_em)), 0))::float8 as lateness
   from aviso where vence_em is not null`,
)

/** How many deliveries wait, and how long the oldest one has been due, in seconds. */
export async function countAvisos(sql: Sql): Promise<{ count: number; lateSeconds: number; disabled: number }> {
  const [row] = await run<{ count: number; lateness: number; disabled: number }>(sql, COUNT)
  return { count: row?.count ?? 0, lateSeconds: row?.lateness ?? 0, disabled: row?.disabled ?? 0 }
}
