/**
 * The id of a delivery, which its receiver knows: made of webhook and event, so that it is the same where the delivery is noted again
 * after a restore. As a UUID of version 8.
 */
export const AVISO_ID = `overlay(overlay(md5(w.id::text || d.id::text) placing '8' from 13) placing 'a' from 17)::uuid`

/**
 * A webhook `w` asked for an event `d`, by its type or by the pattern of its log: `order.*` is what tells of orders, whose types begin
 * with `pedido.`. One that named nothing asked for the orders.
 */
export const ASKED = `array[d.tipo, case split_part(d.tipo, '.', 1) when 'pedido' then 'order' else split_part(d.tipo, '.', 1) end || '.*']
  && coalesce(w.eventos, '{order.*}')`
/** Between the clock of who recorded an event and that of who keeps webhooks: a wrong clock must not make us miss what is new. */
const CLOCKS = `interval '4 hours'`
/** What is older is not told: deliveries are known for 30 days, so a log that is read again tells nothing twice. */
const TOLD_FOR = `interval '29 days'`
/** So long what a disabled webhook misses is kept, for when it is taken up again (`POST /webhooks/{id}/retomar`). */
export const KEPT_FOR_DISABLED = `interval '7 days'`

/**
 * Whether somebody hears of an event `d` (comerciante_id, tipo, em): a stream that is open or was cut, or a webhook that asked for it.
 * `o` is its merchant's row in `ouvinte`.
 */
export const HEARD = `(
  d.em > greatest(o.desde - ${CLOCKS}, now() - ${TOLD_FOR})
  and (o.escuta_ate > now() or exists (
    select from webhook w where w.comerciante_id = d.comerciante_id and w.removido_em is null
      and (w.desativado_em is null or w.desativado_em > now() - ${KEPT_FOR_DISABLED})
      and d.em > w.desde - ${CLOCKS} and ${ASKED}
  ))
)`

/**
 * Common table expressions that note what is told, whatever it is. They read `ditos`, a row for each event: comerciante_id, id, tipo, em
 * (when it was recorded), corpo, rastro, and ordem, by which a merchant's are put in their order. They give `avisados`, a row for each
 * delivery.
 *
 * An event is noted where somebody hears of it: a webhook that asked for it, or a stream that is open or was cut. Then its merchant's row
 * in `ouvinte` is locked until the commit, which puts whoever notes for the merchant in a row: numbers have no gaps and are seen in their
 * order. Rows of several merchants are locked in the order of their names, so no two who do this wait for each other. An event that is
 * known already keeps its number; a webhook that was not told of it, since it came from another database, is told.
 */
export const NOTE_DITOS = `
ouvidos as materialized (
  select d.*, exists (select from evento e where e.id = d.id) as conhecido
  from ditos d join ouvinte o on o.comerciante_id = d.comerciante_id where ${HEARD}
),
vez as materialized (
  select o.comerciante_id, o.ultimo from ouvinte o
  where o.comerciante_id in (select comerciante_id from ouvidos where not conhecido) order by o.comerciante_id for update of o
),
numerados as materialized (
  select d.*, v.ultimo + row_number() over (partition by d.comerciante_id order by d.ordem) as seq
  from ouvidos d join vez v on v.comerciante_id = d.comerciante_id where not d.conhecido
),
avancados as (
  update ouvinte o set ultimo = n.ultimo
  from (select comerciante_id, max(seq) as ultimo from numerados group by comerciante_id) n
  where o.comerciante_id = n.comerciante_id
),
anotados as (
  insert into evento (comerciante_id, seq, id, em, tipo, corpo, rastro)
  select comerciante_id, seq, id, em, tipo, corpo, rastro from numerados
),
avisados as (
  insert into aviso (id, webhook_id, evento_id, tipo, vence_em)
  select ${AVISO_ID}, w.id, d.id, d.tipo, now()
  from ouvidos d cross join lateral (
    -- A subquery of its own, since the planner would read all webhooks to begin with.
    select w.id from webhook w
    where w.comerciante_id = d.comerciante_id and w.removido_em is null and w.desativado_em is null
      and d.em > w.desde - ${CLOCKS} and ${ASKED}
    offset 0
  ) w
  on conflict (webhook_id, evento_id) do nothing
  returning 1
)`
