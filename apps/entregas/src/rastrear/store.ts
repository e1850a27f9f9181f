import { Indisponivel } from '@fluxo/shared/errors'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'

export type RastreioStore = {
  /** Gives the order a token in the place of the one before. The order must be the merchant's. */
  abrir: (pedidoId: string, token: string) => Promise<void>
  /** Takes the order's token away; false where it had none. */
  revogar: (pedidoId: string) => Promise<boolean>
  /** The order that a token opens. */
  porToken: (token: string) => Promise<{ pedidoId: string; comercianteId: string } | undefined>
}

const RETRY_AFTER_SECONDS = 2

/**
 * Which token opens which order's page; tokens come and are kept as SHA-256 in hex. `leituras` is a pool of `LEITURA_SETTINGS`, whose role
 * cannot look into the table: a function of the database answers for one token.
 */
export function createRastreioStore({ sql, leituras }: { sql: Sql; leituras: Sql }): RastreioStore {
  const tentar = async <T>(consulta: Promise<T>): Promise<T> => {
    try {
      return await consulta
    } catch (cause) {
      if (!isInfrastructure(cause)) throw cause
      const mensagem = 'O rastreio está indisponível agora. Tente de novo.'
      throw new Indisponivel('banco-indisponivel', mensagem, RETRY_AFTER_SECONDS, { cause })
    }
  }
  return {
    abrir: async (pedidoId, token) => {
      await tentar(sql`
        insert into rastreio (pedido_id, token_sha256) values (${pedidoId}, decode(${token}, 'hex'))
        on conflict (pedido_id) do update set token_sha256 = excluded.token_sha256, criado_em = now()`)
    },
    revogar: async (pedidoId) => (await tentar(sql`delete from rastreio where pedido_id = ${pedidoId}`)).count > 0,
    porToken: async (token) => {
      const [row] = await tentar(leituras<{ pedido_id: string; comerciante_id: string }[]>`
        select pedido_id, comerciante_id from rastreio_do_token(decode(${token}, 'hex'))`)
      return row && { pedidoId: row.pedido_id, comercianteId: row.comerciante_id }
    },
  }
}
