import type { passo } from '@fluxo/drizzle/entregas/schema'
import type { Effect } from '@fluxo/shared/inbox/statement'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { statusCode, statusOfCode } from '../domain/status.ts'
import type { Passo, PlannedPasso } from './fluir.ts'

/**
 * The effect of the flow's inbox: the steps that new events lead to.
 *
 * Only where the order still stands at the event's version: what has moved since has an event of its own. A step that is
 * planned in the moment in which somebody moves the order is refused by the guard when it is due.
 *
 * Who recorded the event may have had a clock that was ahead; whether a step is due is asked by the database's, so no step
 * waits longer than its delay from now.
 */
export const planningEffect: Effect<PlannedPasso, number> = {
  columns: [
    { name: 'pedido_id', type: 'uuid', value: (row) => row.pedidoId },
    { name: 'comerciante_id', type: 'text', value: (row) => row.comercianteId },
    { name: 'seq', type: 'integer', value: (row) => row.seq },
    { name: 'de', type: 'smallint', value: (row) => statusCode(row.status) },
    { name: 'para', type: 'smallint', value: (row) => row.to },
    { name: 'registrado_em', type: 'timestamptz', value: (row) => new Date(row.recordedAt).toISOString() },
    { name: 'atraso_ms', type: 'integer', value: (row) => row.delayMs },
    { name: 'rastro', type: 'text', value: (row) => row.traceparent ?? null },
  ],
  ctes: `
planejados as (
  insert into passo (particao, pedido_id, versao, comerciante_id, de, para, vence_em, rastro)
  select $1::smallint, n.pedido_id, n.seq, n.comerciante_id, n.de, n.para,
    least(n.registrado_em, now()) + n.atraso_ms * interval '1 millisecond', n.rastro
  from novos n cross join lateral (select p.version from pedido p where p.id = n.pedido_id limit 1) p
  where n.para is not null and p.version = n.seq
  order by n.pedido_id
  on conflict (pedido_id, versao) do nothing
  returning 1
)`,
  result: '(select count(*)::text from planejados)',
  parse: (json) => Number(json),
}

/** A worker that holds a step longer than this has ended: its steps are due again. A batch takes some 20 ms. */
const CLAIM_MS = 10_000

/** Takes due steps and makes them due later; `skip locked`, so that several workers take different ones. */
export const CLAIM = statement(
  'steps.take',
  `
with devidos as materialized (
  select pedido_id, versao from passo where particao = $1::smallint and vence_em <= now()
  order by vence_em limit $2::int for update skip locked
)
update passo s set vence_em = now() + interval '${CLAIM_MS} milliseconds'
from devidos d where s.pedido_id = d.pedido_id and s.versao = d.versao
returning s.pedido_id, s.comerciante_id, s.versao, s.de::int as de, s.para::int as para, s.rastro`,
)

type Row = Omit<typeof passo.$inferSelect, 'particao' | 'vence_em'>

/** Takes at most `count` due steps of a partition, for `CLAIM_MS`. */
export async function claimPassos(sql: Sql, particao: number, count: number): Promise<Passo[]> {
  const rows = await run<Row>(sql, CLAIM, [particao, count])
  return rows.map((row) => ({
    pedidoId: row.pedido_id,
    comercianteId: row.comerciante_id,
    versao: row.versao,
    from: statusOfCode(row.de),
    to: statusOfCode(row.para),
    traceparent: row.rastro ?? undefined,
  }))
}

const COUNT = statement(
  'steps.count',
  `select count(*)::float8 as count,
    greatest(0, coalesce(extract(epoch from now() - min(vence_em)), 0))::float8 as lateness from passo`,
)

/** How many steps wait, and how long the oldest one has been due, in seconds. */
export async function countPassos(sql: Sql): Promise<{ count: number; lateSeconds: number }> {
  const [row] = await run<{ count: number; lateness: number }>(sql, COUNT)
  return { count: row?.count ?? 0, lateSeconds: row?.lateness ?? 0 }
}
