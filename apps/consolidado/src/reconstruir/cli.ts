import { createVersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { envInteger, envUrl, parseEnv } from '@fluxo/shared/env'
import { createFeed } from '@fluxo/shared/feed/feed'
import { serviceTokenOf } from '@fluxo/shared/feed/service-token'
import { decimalFromCents } from '@fluxo/shared/money'
import { SIGNING_ENV, signingOf } from '@fluxo/shared/process/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createBreaker } from '@fluxo/shared/resilience/breaker'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { z } from '@hono/zod-openapi'
import { Registry } from 'prom-client'
import { CACHE_PREFIX } from '../projetar/names.ts'
import type { RebuildDifference } from './compare.ts'
import { type Rebuild, reconstruir } from './rebuild.ts'

const EnvSchema = z.object({
  DATABASE_URL_CONSOLIDADO: envUrl('postgres', 'postgresql'),
  FEED_URL: envUrl('http', 'https').describe('where the ledger answers GET /eventos'),
  REDIS_URL: envUrl('redis', 'rediss').optional(),
  ...SIGNING_ENV,
  EVENTOS_TOKEN: z.string().optional(),
  PARTICOES: envInteger({ min: 1, max: 1024 }).default(1),
})

const CIRCUIT = { volumeThreshold: 20, errorThresholdPercentage: 50, resetTimeoutMs: 1_000 }
const REDIS_READY_MS = 2_000
/** One line of progress a second is enough to see that it moves. */
const PROGRESS_EVERY_MS = 1_000

type Write = (line: string) => void
const stdout: Write = (line) => void process.stdout.write(`${line}\n`)

/**
 * The body of `npm run consolidado:rebuild`: rebuilds, showing its progress, and tells which days changed.
 *
 * Reads its addresses from `env`; takes no arguments. Rejects with one sentence where it cannot be done.
 */
export async function reconstruirCli(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
  write: Write = stdout,
): Promise<Rebuild> {
  if (argv.length > 0) throw new Error(`unknown argument: ${argv[0]}`)
  const given = parseEnv(EnvSchema, env)
  const registry = new Registry()
  const log = createLogger({ service: 'reconstruir', level: 'error' })
  const token = serviceTokenOf({ ...signingOf(given), token: given.EVENTOS_TOKEN })
  const feed = createFeed({ baseUrl: given.FEED_URL, token, name: 'eventos', registry })
  const breaker = createBreaker({ name: 'redis-cache', ...CIRCUIT, registry })
  const redis = given.REDIS_URL && createRedisConnections({ url: given.REDIS_URL, name: 'reconstruir', log })
  const up = redis ? await redis.ready(REDIS_READY_MS) : false
  if (!up) write('Redis is away: days that change may be served from the cache for up to an hour after it returns.')
  const cache =
    redis && createVersionedCache({ redis: redis.cache, prefix: CACHE_PREFIX, breaker, registry, name: 'reconstruir' })
  try {
    const result = await reconstruir({
      databaseUrl: given.DATABASE_URL_CONSOLIDADO,
      feed,
      particoes: given.PARTICOES,
      ...(cache && { cache }),
      onProgress: progress(write),
    })
    for (const line of report(result)) write(line)
    return result
  } finally {
    await (cache || undefined)?.close()
    await (redis || undefined)?.close()
    feed.close()
    breaker.close()
  }
}

const perSecond = (entries: number, ms: number): number => Math.round((entries * 1_000) / Math.max(1, ms))

function progress(write: Write) {
  let shown = 0
  return ({ entries, ms }: { entries: number; ms: number }) => {
    if (ms - shown < PROGRESS_EVERY_MS) return
    shown = ms
    write(`${entries} entries read, ${perSecond(entries, ms)} entries/s`)
  }
}

function report(result: Rebuild): string[] {
  const { entries, ms, stoppedMs, geracao, unreadable, changedCount, changes } = result
  return [
    `${entries} entries in ${(ms / 1_000).toFixed(2)} s, ${perSecond(entries, ms)} entries/s`,
    `generation ${geracao} is read now; the projection stood still for ${Math.round(stoppedMs)} ms, reads never did`,
    ...(unreadable > 0 ? [`${unreadable} events cannot be applied: see \`npm run dlq -- list\``] : []),
    changedCount === 0 ? 'every day is as before' : `${changedCount} days changed:`,
    ...changes.map(lineOf),
    ...(changedCount > changes.length ? [`… and ${changedCount - changes.length} more`] : []),
  ]
}

function lineOf({ comercianteId, data, before, after }: RebuildDifference): string {
  const de = before === null ? 'absent' : amountsText(before)
  return `  ${comercianteId} ${data}: ${de} → ${after.quantidade === 0 ? 'absent' : amountsText(after)}`
}

const amountsText = (d: { creditos: bigint; debitos: bigint; quantidade: number }): string =>
  `+${decimalFromCents(d.creditos)} -${decimalFromCents(d.debitos)} (${d.quantidade})`
