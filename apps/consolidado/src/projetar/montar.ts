import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { Clock } from '@fluxo/shared/clock'
import { createDeadLetters, type DeadLetters } from '@fluxo/shared/follow/dead-letters'
import { createLetterStore, reapply } from '@fluxo/shared/follow/letter-store'
import { createInbox, type Inbox } from '@fluxo/shared/inbox/inbox'
import { isInfrastructure } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import type { Saldo } from '../domain/saldo.ts'
import { createDivergencias, type Divergencias } from './divergencia.ts'
import { efeitoDoSaldo, type Lancado } from './efeito.ts'
import { lerTexto } from './ler-evento.ts'
import { createProjecao, entradaDeCache, type Projecao } from './projecao.ts'

export type MontarDeps = {
  /** A pool for single statements. */
  sql: Sql
  redis: RedisConnections['commands']
  streamPrefix: string
  cache: Pick<VersionedCache, 'setIfNewer'>
  epocaDoLog: (particao: number) => Promise<string>
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  clock?: Clock
}

/** The projection's parts, as the service and the command line for dead letters both use them. */
export type Montagem = {
  inbox: Inbox<Lancado, Saldo[]>
  cartas: DeadLetters
  divergencias: Divergencias
  projecao: Projecao
}

/** Puts inbox, dead letters and projection together. */
export function montarProjecao(deps: MontarDeps): Montagem {
  const { sql, redis, streamPrefix, cache, log } = deps
  const inbox = createInbox({ sql, effect: efeitoDoSaldo, clock: deps.clock })
  const divergencias = createDivergencias(deps)
  const cartas = createDeadLetters({
    copies: { redis, prefix: streamPrefix },
    store: createLetterStore(sql),
    isInfrastructure,
    log,
    reapply: async ({ particao, posicao, body }) => {
      const lido = lerTexto(posicao, body)
      if (!lido.ok) throw new Error(lido.motivo)
      const saldos = await reapply(inbox, { particao, epoca: lido.epoca, rows: [lido.lancado] })
      await cache.setIfNewer((saldos ?? []).map(entradaDeCache))
    },
  })
  return { inbox, cartas, divergencias, projecao: createProjecao({ ...deps, inbox, cartas, divergencias }) }
}
