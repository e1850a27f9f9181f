import { arrayLiteral } from '@fluxo/shared/inbox/array-literal'
import { EVENTS_MAX, type LiveSource } from '@fluxo/shared/live/audience'
import { throwUnavailable } from '@fluxo/shared/postgres/failure'
import { ownRows } from '@fluxo/shared/postgres/own-rows'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { createQueues } from '@fluxo/shared/queues'

/** What happens to a merchant is kept for a stream that was cut off, so long after it was open last. */
const KEPT_FOR_STREAM = `interval '7 days'`
/** An open stream renews that when this is left of it: one write a day for each merchant that listens. */
const RENEWED_AT = `interval '6 days'`
/** Reads of one merchant's streams on the pool's four connections; those of others travel between them. */
const READS = { ownerMax: 2, waitingMax: 1_000 }

/** Says that somebody listens, and gives the number of what was noted last. */
const OPEN = statement(
  'stream.open',
  `insert into ouvinte (comerciante_id, escuta_ate) values ($1, now() + ${KEPT_FOR_STREAM})
   on conflict (comerciante_id) do update set escuta_ate = excluded.escuta_ate
   returning ultimo::float8 as seq`,
)

/** Probes of the primary key: what is asked four times a second. */
const HEADS = statement(
  'stream.heads',
  `select comerciante_id, ultimo::float8 as seq, escuta_ate < now() + ${RENEWED_AT} as renew from ouvinte
   where comerciante_id = any($1::text::text[])`,
)

/** Who notes events for several merchants locks their rows in an order of its own, so this waits for none of them. */
const RENEW = statement(
  'stream.renew',
  `update ouvinte set escuta_ate = now() + ${KEPT_FOR_STREAM} where comerciante_id in (
     select comerciante_id from ouvinte where comerciante_id = any($1::text::text[]) for update skip locked)`,
)

/** Walks the primary key (comerciante_id, seq). */
const AFTER = statement(
  'stream.after',
  ownRows(`select e.seq::float8 as seq, e.id, e.tipo, e.corpo from evento e
  where e.comerciante_id = $1 and e.seq > $2::bigint order by e.seq limit ${EVENTS_MAX}`),
)

type HeadRow = { comerciante_id: string; seq: number; renew: boolean }
type EventoRow = { seq: number; id: string; tipo: string; corpo: string }

export type EscutarStore = LiveSource & {
  /** Has what happens to the merchant noted from now on; gives the number of its last event until now. */
  open: (comercianteId: string) => Promise<number>
}

const unavailable = throwUnavailable('Os eventos estão indisponíveis')

/**
 * What the streams of merchants read: what a client missed (as its merchant), and, with `sql`, who missed something. A topic is a merchant.
 */
export function createEscutarStore({ sql, readPool, now }: { sql: Sql; readPool: Sql; now: () => Date }): EscutarStore {
  const queues = createQueues(READS)
  return {
    open: async (comercianteId) => {
      const [row] = await run<{ seq: number }>(sql, OPEN, [comercianteId]).catch(unavailable)
      return row?.seq ?? 0
    },
    heads: async (comerciantes) => {
      const rows = await run<HeadRow>(sql, HEADS, [arrayLiteral(comerciantes)])
      const old = rows.filter(({ renew }) => renew).map(({ comerciante_id }) => comerciante_id)
      if (old.length > 0) await run(sql, RENEW, [arrayLiteral(old)])
      return new Map(rows.map(({ comerciante_id, seq }) => [comerciante_id, seq]))
    },
    after: async (comercianteId, _topic, seq) => {
      const rows = await queues.run(comercianteId, () => run<EventoRow>(readPool, AFTER, [comercianteId, seq]))
      const timestamp = String(Math.floor(now().getTime() / 1_000))
      return rows.map(({ seq, id, tipo, corpo }) => ({
        seq,
        event: tipo,
        data: { 'webhook-id': `msg_${id}`, 'webhook-timestamp': timestamp, body: corpo },
      }))
    },
  }
}
