import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { bodyInSql } from '../notar/body.ts'
import { NOTE_DITOS } from '../notar/note-eventos.ts'
import { LANCAMENTO_REGISTRADO } from '../notar/tipos.ts'

/** Entries of one lot, at most. */
const LOT_MAX = 100
/** An entry waits this long for others, at most. */
const LOT_MS = 1_000
/** Merchants of one statement, and lots of each: as many as make 512 of all, some 8 MB, and ten of one at most. */
const COMERCIANTES_MAX = 512
const LOTS_MAX = 10

/**
 * Makes lots of the entries that wait: of a merchant whose oldest has waited long enough, or who has enough for one. The recursion hops
 * over the index from one merchant to the next, so a long queue of one costs the others nothing, and whose entry has waited longest comes
 * first.
 *
 * The merchant's row in `ouvinte` is locked meanwhile, and skipped where somebody else has it. This statement may have begun before that
 * one's end, so what it sees of the queue may be made into lots already: only what it deletes itself is in its lots.
 */
const MAKE = statement(
  'lots.make',
  `
with recursive comerciantes(comerciante_id, notado_em) as (
  (select i.comerciante_id, i.notado_em from lancamento_a_avisar i order by i.comerciante_id, i.posicao limit 1)
  union all
  select p.comerciante_id, p.notado_em from comerciantes c cross join lateral (
    select i.comerciante_id, i.notado_em from lancamento_a_avisar i where i.comerciante_id > c.comerciante_id
    order by i.comerciante_id, i.posicao limit 1
  ) p
),
maduros as materialized (
  select c.comerciante_id from comerciantes c
  where c.notado_em <= now() - interval '${LOT_MS} milliseconds' or exists (
    select from lancamento_a_avisar i where i.comerciante_id = c.comerciante_id order by i.posicao offset ${LOT_MAX - 1} limit 1
  )
  order by c.notado_em limit ${COMERCIANTES_MAX}
),
meus as materialized (
  select o.comerciante_id from maduros m cross join lateral (
    select o.comerciante_id from ouvinte o where o.comerciante_id = m.comerciante_id for update skip locked
  ) o
),
fila as materialized (
  select m.comerciante_id, i.particao, i.posicao, i.notado_em,
    (row_number() over (partition by m.comerciante_id order by i.posicao) - 1) / ${LOT_MAX} as lote
  from meus m cross join lateral (
    select i.particao, i.posicao, i.notado_em from lancamento_a_avisar i where i.comerciante_id = m.comerciante_id
    order by i.posicao limit (select least(${LOTS_MAX}, ${COMERCIANTES_MAX} / count(*)) * ${LOT_MAX} from meus)
  ) i
),
prontos as materialized (
  select f.* from (
    select f.*, count(*) over lote_inteiro as itens, min(f.notado_em) over lote_inteiro as desde from fila f
    window lote_inteiro as (partition by f.comerciante_id, f.lote)
  ) f
  where f.itens = ${LOT_MAX} or f.desde <= now() - interval '${LOT_MS} milliseconds'
),
levados as (
  delete from lancamento_a_avisar i using prontos p where i.particao = p.particao and i.posicao = p.posicao
  returning i.comerciante_id, p.lote, i.posicao, i.em, i.item
),
ditos as materialized (
  select l.comerciante_id, gen_random_uuid() as id, '${LANCAMENTO_REGISTRADO}' as tipo, max(l.em) as em, null::text as rastro,
    ${bodyInSql(LANCAMENTO_REGISTRADO, 'max(l.em)', `'{"itens":[' || string_agg(l.item, ',' order by l.posicao) || ']}'`)} as corpo,
    l.lote as ordem
  from levados l group by l.comerciante_id, l.lote
),
${NOTE_DITOS}
select (select count(*)::int from levados) as itens, (select count(*)::int from ditos) as lotes,
  (select count(*)::int from avisados) as avisos`,
)

type Made = { itens: number; lotes: number; avisos: number }

/** Makes the lots that are due, of some merchants; gives how many of what. */
export async function makeLots(sql: Sql): Promise<Made> {
  const [made] = await run<Made>(sql, MAKE)
  return made ?? { itens: 0, lotes: 0, avisos: 0 }
}
