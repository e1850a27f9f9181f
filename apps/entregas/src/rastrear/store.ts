import { throwUnavailable } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run, statement } from '@fluxo/shared/postgres/statement'

export type RastreioStore = {
  /** Gives the order a token in the place of the one before. The order must be the merchant's. */
  open: (pedidoId: string, token: string) => Promise<void>
  /** Takes the order's token away; false where it had none. */
  revoke: (pedidoId: string) => Promise<boolean>
  /** The order that a token opens. */
  byToken: (token: string) => Promise<{ pedidoId: string; comercianteId: string } | undefined>
}

const unavailable = throwUnavailable('O rastreio está indisponível')

const OPEN = statement(
  'tracking.open',
  `insert into rastreio (pedido_id, token_sha256) values ($1, decode($2, 'hex'))
   on conflict (pedido_id) do update set token_sha256 = excluded.token_sha256, criado_em = now()`,
)
const REVOKE = statement('tracking.revoke', 'delete from rastreio where pedido_id = $1')
const BY_TOKEN = statement(
  'tracking.by-token',
  `select pedido_id, comerciante_id from rastreio_do_token(decode($1, 'hex'))`,
)

/**
 * Which token opens which order's page; tokens come and are kept as SHA-256 in hex. `readPool` is a pool of `READ_SETTINGS`, whose role
 * cannot look into the table: a function of the database answers for one token.
 */
export function createRastreioStore({ sql, readPool }: { sql: Sql; readPool: Sql }): RastreioStore {
  return {
    open: async (pedidoId, token) => {
      await run(sql, OPEN, [pedidoId, token]).catch(unavailable)
    },
    revoke: async (pedidoId) => (await run(sql, REVOKE, [pedidoId]).catch(unavailable)).count > 0,
    byToken: async (token) => {
      const lookup = run<{ pedido_id: string; comerciante_id: string }>(readPool, BY_TOKEN, [token])
      const [row] = await lookup.catch(unavailable)
      return row && { pedidoId: row.pedido_id, comercianteId: row.comerciante_id }
    },
  }
}
