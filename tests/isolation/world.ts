import { createConsolidado } from '@fluxo/consolidado/app'
import { createLancamentos } from '@fluxo/lancamentos/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { createServiceDatabase, redisUrl, uniquePrefix } from '../stage/databases.ts'
import { waitFor } from '../stage/wait-for.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']
const PARTICOES = 2
const STOP_MS = 10_000
/** The ledger's clock stands still, so that equal requests give equal times in every world. */
const NOW = new Date('2025-10-15T12:00:00.000Z')

export type Call = {
  /** The operation of the OpenAPI document, such as `GET /lancamentos/{id}`. */
  operation: string
  path: string
  headers?: Readonly<Record<string, string>>
  body?: string
  /** The status that it must have, where only one is right. */
  expected?: number
}
type AnswerHeaders = { readonly [name: string]: string | undefined }
export type Answer = { status: number; headers: AnswerHeaders; body: string }
export type Ask = (call: Call) => Promise<Answer>

/** Both services, whole, in one process: databases, streams and cache of their own, two partitions. */
export const createWorld = async () => {
  const [ledger, balances] = await Promise.all([
    createServiceDatabase('lancamentos', { particoes: PARTICOES }),
    createServiceDatabase('consolidado'),
  ])
  const log = createLogger({ service: 'teste', level: 'silent' })
  const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log })
  const lifecycle = createLifecycle({ log, deadlineMs: STOP_MS })
  lifecycle.defer('databases', async () => {
    await Promise.all([ledger.drop(), balances.drop()])
  })
  lifecycle.defer('redis', () => redis.close())
  const registry = new Registry()
  const common = {
    redis,
    verifier: createVerifier({ secret: SECRET }),
    particoes: PARTICOES,
    streamPrefix: uniquePrefix('stream'),
    log,
    registry,
  }
  const lancamentos = createLancamentos({
    ...common,
    databaseUrl: ledger.appUrl,
    cursorSecret: SECRET,
    now: () => NOW,
  })
  const consolidado = createConsolidado({
    ...common,
    databaseUrl: balances.appUrl,
    cachePrefix: uniquePrefix('cache'),
    instance: 'teste',
    verificarMs: 0,
    eventos: {
      baseUrl: 'http://lancamentos',
      token: () => signToken({ secret: SECRET, scopes: ['eventos:ler'], expiresInSeconds: 600 }),
      fetch: (url, init) => lancamentos.routes.request(url, init),
    },
  })
  const running = await runModules({
    modules: [lancamentos, consolidado],
    port: 0,
    hostname: '127.0.0.1',
    signals: false,
    log,
    registry,
    lifecycle,
  })

  const ledgerSql = createSql({ url: ledger.ownerUrl, max: 1, name: 'teste' })
  const balancesSql = createSql({ url: balances.ownerUrl, max: 1, name: 'teste' })
  const projected = async (): Promise<boolean> => {
    const heads = await ledgerSql<{ ultima: string }[]>`select ultima from posicao order by particao`
    const marks = await balancesSql<{ ate: string }[]>`select aplicada_ate as ate from inbox_particao order by particao`
    return heads.every(({ ultima }, i) => marks[i]?.ate === ultima)
  }

  /** Asks as a merchant. A write is answered once it is projected, so each is a step of its own there. */
  const askAs = async (comercianteId: string): Promise<Ask> => {
    const token = await signToken({ secret: SECRET, comercianteId, scopes: SCOPES, expiresInSeconds: 3_600 })
    return async ({ operation, path, headers, body: sent }) => {
      const method = operation.slice(0, operation.indexOf(' '))
      const answer = await fetch(running.url + path, {
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
        ...(sent !== undefined && { body: sent }),
      })
      const body = await answer.text()
      if (method === 'POST' && answer.ok) await waitFor(projected, { timeoutMs: 60_000, what: 'the projection' })
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body }
    }
  }
  const stop = async (): Promise<void> => {
    await Promise.all([closeSql(ledgerSql), closeSql(balancesSql)])
    await running.stop()
  }
  return { url: running.url, askAs, stop }
}

export type World = Awaited<ReturnType<typeof createWorld>>
