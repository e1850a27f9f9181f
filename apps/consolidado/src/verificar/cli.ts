import { tokenDeServicoDe } from '@fluxo/shared/http/service-token'
import type { Publisher } from '@fluxo/shared/log/publisher'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { envUrl, parseEnv } from '@fluxo/shared/process/env'
import { SIGNING_ENV, signingOf } from '@fluxo/shared/process/service'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createFeed } from '@fluxo/shared/repair/feed'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { CACHE_PREFIX, STREAM_PREFIX } from '../projetar/nomes.ts'
import type { ConferirCacheDeps } from './conferir-cache.ts'
import type { Recorte } from './foto.ts'
import { jsonDe, linhaDe } from './verificar.ts'
import { type CursorDoRelay, type Verificacao, verificarTudo } from './verificar-tudo.ts'

const EnvSchema = z.object({
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql'),
  FEED_URL: envUrl('http', 'https').describe('where the ledger answers GET /eventos'),
  REDIS_URL: envUrl('redis', 'rediss').optional(),
  ...SIGNING_ENV,
  EVENTOS_TOKEN: z.string().optional(),
})

export type Opcoes = {
  recorte: Recorte
  /** Cached days to look at, at most. */
  amostra: number
  json: boolean
  cursores?: (() => Promise<CursorDoRelay[]>) | undefined
  /** For tests: other names in Redis. */
  cachePrefix?: string
  streamPrefix?: string
  atrasoMs?: number
}

type Write = (line: string) => void
type Saidas = { out: Write; err: Write }
const terminal: Saidas = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
}

const REDIS_READY_MS = 2_000
/** One line of progress a second is enough to see that it moves. */
const PROGRESS_EVERY_MS = 1_000

/**
 * The body of `npm run verify`: compares everything, tells each difference by merchant and day, and gives their number.
 *
 * Progress goes to `err`, the result to `out`. Reads its addresses from `env`. Rejects with one sentence where it cannot
 * be done.
 */
export async function verificarCli(
  env: Readonly<Record<string, string | undefined>>,
  opcoes: Opcoes,
  { out, err }: Saidas = terminal,
): Promise<number> {
  const given = parseEnv(EnvSchema, env)
  const log = createLogger({ service: 'verificar', level: 'fatal' })
  const token = tokenDeServicoDe({ ...signingOf(given), token: given.EVENTOS_TOKEN })
  const feed = createFeed({ baseUrl: given.FEED_URL, token, name: 'eventos', registry: new Registry() })
  const sql = createSql({ url: given.DATABASE_URL_CONSOLIDADO, max: 1, name: 'verificar' })
  const redis = given.REDIS_URL && createRedisConnections({ url: given.REDIS_URL, name: 'verificar', log })
  try {
    const up = redis ? await redis.ready(REDIS_READY_MS) : false
    if (!up) err('Redis is not looked at: cache and stream are not verified.')
    const { cachePrefix = CACHE_PREFIX, streamPrefix = STREAM_PREFIX, atrasoMs, amostra } = opcoes
    const cache: (ConferirCacheDeps & { stream: Pick<Publisher, 'tail'>; amostra: number }) | undefined =
      redis && up
        ? {
            redis: redis.commands,
            prefix: cachePrefix,
            sql,
            amostra,
            stream: createPublisher({ redis: redis.commands, prefix: streamPrefix }),
            ...(atrasoMs !== undefined && { atrasoMs }),
          }
        : undefined
    const feito = await verificarTudo({
      databaseUrl: given.DATABASE_URL_CONSOLIDADO,
      feed,
      recorte: opcoes.recorte,
      ...(cache && { cache }),
      cursores: opcoes.cursores,
      onProgress: progresso(err),
    })
    if (opcoes.json) out(JSON.stringify(documento(feito)))
    else for (const line of relatorio(feito)) out(line)
    return feito.diferencas.length
  } finally {
    await (redis || undefined)?.close()
    feed.close()
    await closeSql(sql)
  }
}

function progresso(err: Write) {
  let shown = 0
  return ({ entradas, ms }: { entradas: number; ms: number }) => {
    if (ms - shown < PROGRESS_EVERY_MS) return
    shown = ms
    err(`${entradas} entries read`)
  }
}

function relatorio({ diferencas, entradas, dias, emCache, ms }: Verificacao): string[] {
  const porSegundo = Math.round((entradas * 1_000) / Math.max(1, ms))
  const quantas = diferencas.length === 1 ? '1 difference' : `${diferencas.length} differences`
  return [
    ...diferencas.map(linhaDe),
    `${entradas} entries, ${dias} merchant days and ${emCache} cached days in ${(ms / 1_000).toFixed(2)} s (${porSegundo} entries/s)`,
    diferencas.length === 0 ? 'exact: no difference' : quantas,
  ]
}

const documento = ({ diferencas, ...feito }: Verificacao) => ({
  exato: diferencas.length === 0,
  ...feito,
  diferencas: diferencas.map(jsonDe),
})
