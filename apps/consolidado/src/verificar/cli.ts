import { envUrl, parseEnv } from '@fluxo/shared/env'
import { createFeed } from '@fluxo/shared/feed/feed'
import { serviceTokenOf } from '@fluxo/shared/feed/service-token'
import type { Publisher } from '@fluxo/shared/log/publisher'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { SIGNING_ENV, signingOf } from '@fluxo/shared/process/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { CACHE_PREFIX, STREAM_PREFIX } from '../projetar/names.ts'
import type { DayFilter } from './snapshot.ts'
import { jsonOf, lineOf } from './verificar.ts'
import { type RelayCursor, type Verification, verificarAll } from './verificar-all.ts'
import type { VerificarCacheDeps } from './verificar-cache.ts'

const EnvSchema = z.object({
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql'),
  FEED_URL: envUrl('http', 'https').describe('where the ledger answers GET /eventos'),
  REDIS_URL: envUrl('redis', 'rediss').optional(),
  ...SIGNING_ENV,
  EVENTOS_TOKEN: z.string().optional(),
})

export type VerificarCliOptions = {
  filter: DayFilter
  /** Cached days to look at, at most. */
  amostra: number
  json: boolean
  cursors?: (() => Promise<RelayCursor[]>) | undefined
  /** For tests: other names in Redis. */
  cachePrefix?: string
  streamPrefix?: string
  lagMs?: number
}

type Write = (line: string) => void
type Outputs = { out: Write; err: Write }
const terminal: Outputs = {
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
  options: VerificarCliOptions,
  { out, err }: Outputs = terminal,
): Promise<number> {
  const given = parseEnv(EnvSchema, env)
  const log = createLogger({ service: 'verificar', level: 'fatal' })
  const token = serviceTokenOf({ ...signingOf(given), token: given.EVENTOS_TOKEN })
  const feed = createFeed({ baseUrl: given.FEED_URL, token, name: 'eventos', registry: new Registry() })
  const sql = createSql({ url: given.DATABASE_URL_CONSOLIDADO, max: 1, name: 'verificar' })
  const redis = given.REDIS_URL && createRedisConnections({ url: given.REDIS_URL, name: 'verificar', log })
  try {
    const up = redis ? await redis.ready(REDIS_READY_MS) : false
    if (!up) err('Redis is not looked at: cache and stream are not verified.')
    const { cachePrefix = CACHE_PREFIX, streamPrefix = STREAM_PREFIX, lagMs, amostra } = options
    const cache: (VerificarCacheDeps & { stream: Pick<Publisher, 'tail'>; amostra: number }) | undefined =
      redis && up
        ? {
            redis: redis.commands,
            prefix: cachePrefix,
            sql,
            amostra,
            stream: createPublisher({ redis: redis.commands, prefix: streamPrefix }),
            ...(lagMs !== undefined && { lagMs }),
          }
        : undefined
    const result = await verificarAll({
      databaseUrl: given.DATABASE_URL_CONSOLIDADO,
      feed,
      filter: options.filter,
      ...(cache && { cache }),
      cursors: options.cursors,
      onProgress: progress(err),
    })
    if (options.json) out(JSON.stringify(documentOf(result)))
    else for (const line of report(result)) out(line)
    return result.differences.length
  } finally {
    await (redis || undefined)?.close()
    feed.close()
    await closeSql(sql)
  }
}

function progress(err: Write) {
  let shown = 0
  return ({ entries, ms }: { entries: number; ms: number }) => {
    if (ms - shown < PROGRESS_EVERY_MS) return
    shown = ms
    err(`${entries} entries read`)
  }
}

function report({ differences, entries, days, cached, ms }: Verification): string[] {
  const perSecond = Math.round((entries * 1_000) / Math.max(1, ms))
  const count = differences.length === 1 ? '1 difference' : `${differences.length} differences`
  return [
    ...differences.map(lineOf),
    `${entries} entries, ${days} merchant days and ${cached} cached days in ${(ms / 1_000).toFixed(2)} s (${perSecond} entries/s)`,
    differences.length === 0 ? 'exact: no difference' : count,
  ]
}

const documentOf = ({ differences, entries, days, cached, ms }: Verification) => ({
  exato: differences.length === 0,
  entradas: entries,
  dias: days,
  emCache: cached,
  ms,
  diferencas: differences.map(jsonOf),
})
