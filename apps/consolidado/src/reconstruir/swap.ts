import { LOCKS } from '@fluxo/shared/postgres/locks'
import { run, statement } from '@fluxo/shared/postgres/statement'
import type { Tx } from '@fluxo/shared/postgres/transactions'
import { createGeracaoStore } from './geracao-store.ts'
import type { Shadow } from './shadow.ts'

const HOLD = statement('projection.hold', `select pg_advisory_lock(${LOCKS.inbox}, $1::int)`)
const RELEASE = statement('projection.release', `select pg_advisory_unlock(${LOCKS.inbox}, $1::int)`)
const SHOW_GENERATION = statement('generations.show', 'update projecao set geracao = $1::int where id = 1')

/** Keeps the projection of all partitions from applying; applies that are under way end first. Released by `release`. */
export async function hold(connection: Tx, particoes: number): Promise<void> {
  for (let particao = 0; particao < particoes; particao += 1) {
    await run(connection, HOLD, [particao])
  }
}

export async function release(connection: Tx, particoes: number): Promise<void> {
  for (let particao = 0; particao < particoes; particao += 1) {
    await run(connection, RELEASE, [particao])
  }
}

/**
 * Letters of what this reader cannot apply: open again and passed over, so that a redrive applies them to the new
 * generation. All others up to here are in it: they must not be applied again.
 */
const OPEN_LETTERS = statement(
  'letters.open-unreadable',
  `
insert into carta_morta as c (particao, posicao, evento, motivo, tentativas, pulada_em)
values ($1::smallint, $2::text::bigint, $3, $4, 1, now())
on conflict (particao, posicao) do update set motivo = excluded.motivo, pulada_em = now(), redirigida_em = null`,
)

const APPLIED_LETTERS = statement(
  'letters.close-applied',
  `
update carta_morta set redirigida_em = coalesce(redirigida_em, now())
where particao = $1::smallint and carta_morta.posicao <= $2::text::bigint`,
)

const SET_WATERMARK = statement(
  'inbox.set-watermark',
  `
insert into inbox_particao as p (particao, aplicada_ate, adiante, epoca, ultima_posicao, ultimo_id, divergente)
values ($1::smallint, $2::text::bigint, '{}', $3::text::uuid, $2::text::bigint, $4::text::uuid, null)
on conflict (particao) do update set aplicada_ate = excluded.aplicada_ate, adiante = excluded.adiante,
  epoca = excluded.epoca, ultima_posicao = excluded.ultima_posicao, ultimo_id = excluded.ultimo_id, divergente = null`,
)

/** Makes the new generation the one that is read and projected into, with its inbox: one transaction, all or nothing. */
export async function swap(connection: Tx, geracao: number, shadows: readonly Shadow[]): Promise<void> {
  await connection`begin`
  try {
    await run(connection, SHOW_GENERATION, [geracao])
    for (const { particao, posicao, epoca, ultimoId, unreadable } of shadows) {
      await run(connection, SET_WATERMARK, [particao, String(posicao), epoca ?? null, ultimoId])
      await run(connection, APPLIED_LETTERS, [particao, String(posicao)])
      for (const { posicao: where, body, motivo } of unreadable) {
        await run(connection, OPEN_LETTERS, [particao, String(where), body, motivo])
      }
    }
    await connection`commit`
  } catch (error) {
    await connection`rollback`.catch(() => {})
    throw error
  }
}

/** Deletes every generation but `geracao`. */
export const deleteOthers = (connection: Tx, geracao: number): Promise<number> =>
  createGeracaoStore(connection).deleteOthers(geracao)
