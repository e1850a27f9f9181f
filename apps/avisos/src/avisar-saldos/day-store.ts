import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { bodyInSql } from '../notar/body.ts'
import { NOTE_DITOS } from '../notar/note-eventos.ts'
import { SALDO_ALTERADO } from '../notar/tipos.ts'

/** A day in hand: whose it is, and the newest position that changed it. */
export type ClaimedDay = {
  comercianteId: string
  /** `YYYY-MM-DD` */
  data: string
  particao: number
  posicao: number
  /** Until when it is ours, as the database wrote it: whoever takes it later has another. */
  claim: string
}

/** A claim outlives the slowest answer of consolidado and what is done with it: then its day is due again. */
const CLAIM_MS = 15_000

/**
 * Takes due days, `$1` at most, and of each merchant so many that it has `$4` under way together with those that `$2` and `$3` name. The
 * recursion hops over the index from one merchant to the next; who has the fewest under way comes first. `skip locked`, so that instances
 * take different ones.
 */
const CLAIM = statement(
  'days.claim',
  `
with recursive comerciantes(comerciante_id, vence_em) as (
  (select d.comerciante_id, d.vence_em from dia_a_avisar d where d.vence_em is not null
   order by d.comerciante_id, d.vence_em limit 1)
  union all
  select p.comerciante_id, p.vence_em from comerciantes c cross join lateral (
    select d.comerciante_id, d.vence_em from dia_a_avisar d where d.vence_em is not null and d.comerciante_id > c.comerciante_id
    order by d.comerciante_id, d.vence_em limit 1
  ) p
),
fila as materialized (
  select c.comerciante_id, $4::int - coalesce(o.quantos, 0) as quantos
  from comerciantes c left join unnest($2::text::text[], $3::text::int[]) o(comerciante_id, quantos) using (comerciante_id)
  where c.vence_em <= now() and coalesce(o.quantos, 0) < $4::int
  order by coalesce(o.quantos, 0), c.vence_em
),
devidos as materialized (
  select d.* from fila f cross join lateral (
    select d.comerciante_id, d.data from dia_a_avisar d where d.comerciante_id = f.comerciante_id and d.vence_em <= now()
    order by d.vence_em limit f.quantos for update skip locked
  ) d
  limit $1::int
)
update dia_a_avisar d set vence_em = now() + interval '${CLAIM_MS} milliseconds'
from devidos v where d.comerciante_id = v.comerciante_id and d.data = v.data
returning d.comerciante_id, d.data::text as data, d.particao::int as particao, d.posicao::float8 as posicao, d.vence_em::text as vence_em`,
)

type ClaimedRow = { comerciante_id: string; data: string; particao: number; posicao: number; vence_em: string }

type ClaimLimits = {
  count: number
  perComerciante: number
  /** How many each merchant has under way. */
  underWay: ReadonlyMap<string, number>
}

/** Takes at most `count` due days, fairly. */
export async function claimDays(sql: Sql, { count, perComerciante, underWay }: ClaimLimits): Promise<ClaimedDay[]> {
  const values = [count, arrayLiteral([...underWay.keys()]), arrayLiteral([...underWay.values()]), perComerciante]
  const rows = await run<ClaimedRow>(sql, CLAIM, values)
  return rows.map(({ comerciante_id: comercianteId, data, particao, posicao, vence_em: claim }) => {
    return { comercianteId, data, particao, posicao, claim }
  })
}

/** A day with its state as it was read, JSON. */
export type ReadDay = ClaimedDay & { state: string }

/**
 * Notes what is told of days that are still ours. One that changed meanwhile is due again after `$6`; rows are locked in the order of
 * their key, as by whoever notes changes.
 */
const TELL = statement(
  'days.tell',
  `
with lidos as materialized (
  select * from unnest($1::text::text[], $2::text::date[], $3::text::timestamptz[], $4::text::bigint[], $5::text::text[])
    as l(comerciante_id, data, vence_em, posicao, estado)
  order by comerciante_id, data
),
meus as materialized (
  select l.comerciante_id, l.data, l.estado, d.posicao > l.posicao as mudou from lidos l cross join lateral (
    select d.posicao from dia_a_avisar d where d.comerciante_id = l.comerciante_id and d.data = l.data and d.vence_em = l.vence_em
    for update
  ) d
),
avisadas as (
  update dia_a_avisar d set avisado_em = now(), vence_em = case when m.mudou then now() + $6 * interval '1 millisecond' end
  from meus m where d.comerciante_id = m.comerciante_id and d.data = m.data
),
ditos as materialized (
  select m.comerciante_id, gen_random_uuid() as id, '${SALDO_ALTERADO}' as tipo, now() as em, null::text as rastro,
    ${bodyInSql(SALDO_ALTERADO, 'now()', 'm.estado')} as corpo, m.data as ordem
  from meus m
),
${NOTE_DITOS}
select count(*)::int as avisos from avisados`,
)

/** Notes what is told of days, all in one statement; gives how many deliveries that made. */
export async function tellDays(sql: Sql, days: readonly ReadDay[], everyMs: number): Promise<number> {
  const column = (value: (day: ReadDay) => string | number): string => arrayLiteral(days.map(value))
  const [row] = await run<{ avisos: number }>(sql, TELL, [
    column((day) => day.comercianteId),
    column((day) => day.data),
    column((day) => day.claim),
    column((day) => day.posicao),
    column((day) => day.state),
    everyMs,
  ])
  return row?.avisos ?? 0
}

const PRUNE = statement(
  'days.prune',
  `delete from dia_a_avisar d using (
     select comerciante_id, data from dia_a_avisar where vence_em is null and avisado_em < now() - $1 * interval '1 millisecond'
     limit $2 for update skip locked
   ) p where d.comerciante_id = p.comerciante_id and d.data = p.data`,
)

/** Forgets days that were told so long ago that they may be told at once, at most `max`. */
export async function pruneDays(sql: Sql, everyMs: number, max: number): Promise<void> {
  await run(sql, PRUNE, [everyMs, max])
}
