import { setTimeout as delay } from 'node:timers/promises'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { moveDeliveries } from './move-deliveries.ts'

export type Databases = { entregas: Sql; avisos: Sql }
export type Moved = { webhooks: number; deliveries: number }

/** Tells the repair of the webhooks in entregas from that of its flow: so it was in the version that had webhooks. */
const OLD_REPAIR = 1
/** Longer than any statement of the service may take. */
const OLD_STATEMENTS_MS = 60_000
const LOOK_MS = 100

type OldWebhook = {
  id: string
  comerciante_id: string
  url: string
  eventos: string[] | null
  segredo: string
  segredo_anterior: string | null
  anterior_ate: Date | null
  criado_em: Date
  desativado_em: Date | null
  motivo: string | null
  removido_em: Date | null
}

/**
 * Moves webhooks, their deliveries and every attempt from the database of entregas, where they were until 0.2, to that of avisos.
 *
 * What entregas had noted when it stopped is moved as it was; what came after, avisos reads in the log from that very position on. So
 * nothing is told twice and nothing is lost, whether avisos runs meanwhile or not; and all of it may be interrupted and repeated.
 * The old tables stay as they are. Throws where an entregas of that version still runs, since it would go on to send.
 */
export async function moveWebhooks(databases: Databases, piece?: number): Promise<Moved> {
  const { entregas, avisos } = databases
  await requireOldServiceStopped(entregas)
  // Before there are webhooks: none of them is told anew what entregas has told. After: what was read meanwhile is read for them, too.
  await readOnFromOld(databases)
  const webhooks = await insertWebhooks(databases)
  await oldStatementsOver(avisos)
  await readOnFromOld(databases)
  return { webhooks, deliveries: await moveDeliveries(databases, piece) }
}

async function requireOldServiceStopped(entregas: Sql): Promise<void> {
  const held = await entregas`
    select from pg_locks where locktype = 'advisory' and granted and classid = ${LOCKS.repair} and objid = ${OLD_REPAIR}
      and database = (select oid from pg_database where datname = current_database())`
  if (held.length > 0)
    throw new Error('an entregas that sends webhooks by itself still runs: deploy this version of it first.')
}

/** Sets what avisos has read of the orders' log to where the webhooks of entregas stood. Not where that is another log by now. */
async function readOnFromOld({ entregas, avisos }: Databases): Promise<void> {
  const rows = await entregas<
    { particao: number; ate: string; adiante: string; epoca: string; ultima: string; id: string }[]
  >`
    select particao::int, aplicada_ate::text as ate, adiante::text, epoca, ultima_posicao::text as ultima, ultimo_id as id
    from inbox_avisos where epoca is not null and divergente is null`
  for (const { particao, ate, adiante, epoca, ultima, id } of rows) {
    await avisos`
      insert into inbox_pedidos (particao, aplicada_ate, adiante, epoca, ultima_posicao, ultimo_id)
      values (${particao}, ${ate}::text::bigint, ${adiante}::text::int8multirange, ${epoca}::uuid, ${ultima}::text::bigint, ${id}::uuid)
      on conflict (particao) do update set aplicada_ate = excluded.aplicada_ate, adiante = excluded.adiante,
        epoca = excluded.epoca, ultima_posicao = excluded.ultima_posicao, ultimo_id = excluded.ultimo_id
      where inbox_pedidos.epoca is null or inbox_pedidos.epoca = excluded.epoca`
  }
}

/** Inserts the webhooks that are not there yet, each in the first place that its merchant has free; gives how many. */
async function insertWebhooks({ entregas, avisos }: Databases): Promise<number> {
  const rows = await entregas<OldWebhook[]>`
    select id, comerciante_id, url, eventos, segredo, segredo_anterior, anterior_ate, criado_em, desativado_em, motivo, removido_em
    from webhook order by criado_em, id`
  let count = 0
  for (const w of rows) {
    await avisos`
      insert into ouvinte (comerciante_id, desde) values (${w.comerciante_id}, ${w.criado_em})
      on conflict (comerciante_id) do update set desde = least(ouvinte.desde, excluded.desde)`
    const eventos = w.eventos && `{${w.eventos.join()}}`
    const made = await avisos`
      insert into webhook (id, comerciante_id, url, eventos, segredo, segredo_anterior, anterior_ate, desde, criado_em, desativado_em,
        motivo, removido_em, vaga)
      select ${w.id}::uuid, ${w.comerciante_id}, ${w.url}, ${eventos}::text::text[], ${w.segredo}, ${w.segredo_anterior},
        ${w.anterior_ate}::timestamptz, ${w.criado_em}, ${w.criado_em}, ${w.desativado_em}::timestamptz, ${w.motivo},
        ${w.removido_em}::timestamptz, (
          select g from generate_series(1, 1000) g where not exists (
            select from webhook o where o.comerciante_id = ${w.comerciante_id} and o.removido_em is null and o.vaga = g
          ) limit 1)
      on conflict (id) do nothing returning id`
    count += made.length
  }
  return count
}

/** A statement that began before the webhooks were there does not see them, and may still note events: it must be over. */
async function oldStatementsOver(avisos: Sql): Promise<void> {
  const [now] = await avisos<{ at: string }[]>`select clock_timestamp()::text as at`
  const until = performance.now() + OLD_STATEMENTS_MS
  while (performance.now() < until) {
    const old = await avisos`
      select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and usename = current_user and xact_start < ${now?.at ?? ''}::text::timestamptz`
    if (old.length === 0) return
    await delay(LOOK_MS)
  }
  throw new Error('a statement of avisos does not end: try again.')
}
