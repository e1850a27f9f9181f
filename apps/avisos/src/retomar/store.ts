import { Unavailable } from '@fluxo/shared/errors'
import { throwUnavailable } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'
import { avisoStatusCode } from '../avisar/aviso-store.ts'
import { createLookupTurns } from '../avisar/turns.ts'
import { PEDIDOS_INBOX } from '../logs/pedidos.ts'
import { ASKED, AVISO_ID, KEPT_FOR_DISABLED } from '../notar/note-eventos.ts'

export type ResumeStore = {
  /** Takes a webhook up again; false where the merchant has no such one. Safe to repeat. */
  resume: (comercianteId: string, id: string) => Promise<boolean>
}

/**
 * Webhooks that are taken up at once on the service's pool of four connections, and those of one merchant: noting and sending go on
 * beside them. Who waits this long for a turn is refused.
 */
const RESUMES_MAX = 2
const COMERCIANTE_RESUMES_MAX = 1
const TURN_MS = 10_000
const RETRY_AFTER_SECONDS = 10
/** Events that one statement looks at: a merchant may have missed a hundred thousand. */
const PIECE = 1_000
/** Events that were moved from another database have numbers below 0. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

const ENABLE = statement(
  'webhooks.enable',
  `update webhook set desativado_em = null, motivo = null, falhando_desde = null
   where id = $2::uuid and comerciante_id = $1 and removido_em is null returning id`,
)

const TURNS = statement('webhooks.turns', 'select particao::int as particao from inbox_pedidos order by particao')
/**
 * Waits until whatever notes events of a partition has ended. A statement that began before the webhook was enabled still takes it for
 * disabled; the lock is handed out in the order in which it was asked for, so those before us have committed what we look for next.
 */
const AWAIT_TURN = statement(
  'webhooks.await-turn',
  `select pg_advisory_xact_lock(${PEDIDOS_INBOX.lock}, $1::int)::text`,
)

/** Makes due what a webhook did not take of `$4` events after `$3`; gives the number of the last one, or null where there is none. */
const CATCH_UP = statement(
  'webhooks.catch-up',
  `
with trecho as materialized (
  select e.seq, e.id, e.tipo, e.em from evento e
  where e.comerciante_id = $1 and e.seq > $3::bigint and e.criado_em > now() - ${KEPT_FOR_DISABLED}
  order by e.seq limit $4::int
),
perdidos as (
  insert into aviso (id, webhook_id, evento_id, tipo, vence_em)
  select ${AVISO_ID}, w.id, d.id, d.tipo, now()
  from trecho d join webhook w on w.id = $2::uuid where d.em > w.desde and ${ASKED}
  on conflict (webhook_id, evento_id) do update set
    vence_em = now(), terminado_em = null, situacao = ${avisoStatusCode('pending')}, passo = 0, devolvido_em = null, motivo = null
  where aviso.situacao in (${avisoStatusCode('exhausted')}, ${avisoStatusCode('cancelled')})
)
select max(seq)::float8 as ultimo from trecho`,
)

const unavailable = throwUnavailable('Os webhooks estão indisponíveis')

/** Takes webhooks up again that were disabled: what they did not take in the last days is due once more, piece by piece. */
export function createResumeStore(sql: Sql): ResumeStore {
  const turns = createLookupTurns({ totalMax: RESUMES_MAX, comercianteMax: COMERCIANTE_RESUMES_MAX })
  const resumeNow: ResumeStore['resume'] = async (comercianteId, id) => {
    const found = await run<{ id: string }>(sql, ENABLE, [comercianteId, id]).catch(unavailable)
    if (found.length === 0) return false
    const noting = await run<{ particao: number }>(sql, TURNS).catch(unavailable)
    for (const { particao } of noting) await run(sql, AWAIT_TURN, [particao]).catch(unavailable)
    for (let after: number | null = BEFORE_ALL; after !== null; ) {
      const [row]: { ultimo: number | null }[] = await run<{ ultimo: number | null }>(sql, CATCH_UP, [
        comercianteId,
        id,
        after,
        PIECE,
      ]).catch(unavailable)
      after = row?.ultimo ?? null
    }
    return true
  }
  return {
    resume: async (comercianteId, id) => {
      const leave = await turns.take(comercianteId, AbortSignal.timeout(TURN_MS)).catch((cause: unknown) => {
        throw new Unavailable('banco-indisponivel', 'Outro webhook está sendo retomado.', RETRY_AFTER_SECONDS, {
          cause,
        })
      })
      try {
        return await resumeNow(comercianteId, id)
      } finally {
        leave()
      }
    },
  }
}
