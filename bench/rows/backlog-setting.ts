import { randomUUID } from 'node:crypto'
import { createAppend } from '@fluxo/shared/log/append'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { streamKey } from '@fluxo/shared/stream/keys'
import { Redis } from 'ioredis'
import { v7 } from 'uuid'
import { STREAM_PREFIX } from '../../apps/lancamentos/src/domain/evento.ts'
import { LEDGER, type LedgerRow, rowOf } from '../../apps/lancamentos/src/registrar/ledger-table.ts'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { ledgerErrors, readLedger, totalsErrors, withSql } from '../check.ts'
import type { Bench } from '../context.ts'
import { addTo, createEntries, type Entry, type Totals } from '../entries.ts'
import type { MeasuredProcess } from '../processes.ts'
import type { Database } from '../servers.ts'

/** A ledger with a backlog that no consumer has seen. */
export type Backlog = {
  bench: Bench
  ledger: Database
  totals: Totals
}

/** The same, published: `lancamentos` serves its feed, and Redis holds the stream. */
export type Published = Backlog & {
  lancamentos: MeasuredProcess
  /** Entries a second from the ledger into the stream. */
  relayPerSecond: number
  /** Empties Redis and puts the whole stream back, as it was before any consumer. */
  restoreStream: () => Promise<void>
}

const PARTICAO = 0
const SEED = 7
const ROWS_OF_STATEMENT = 1_000
const CONNECTIONS = 2
const SETTINGS = { enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan' }
/** The database number where a copy of the stream is kept; the services use 0. */
const STASH_DB = 1
const PUBLISH_TIMEOUT_MS = 120_000
const PUBLISH_POLL_MS = 10

const itemOf = (entry: Entry, number: number) => ({
  lancamento: {
    id: v7(),
    comercianteId: entry.comercianteId,
    tipo: entry.tipo,
    valor: entry.valor,
    data: entry.data,
    descricao: entry.descricao,
    createdAt: new Date(),
    ...(entry.withReferencia && { referencia: `NF-${String(number).padStart(9, '0')}` }),
  },
  ...(entry.withChave && { chave: randomUUID() }),
})

/** Puts the backlog in by the ledger's own append, in batches of mixed merchants as group commit makes them. */
const fill = async ({ ledger, totals, bench }: Backlog): Promise<void> => {
  const sql = createSql({ url: ledger.appUrl, max: CONNECTIONS, name: 'bench fill', settings: SETTINGS })
  const append = createAppend<LedgerRow>(sql, LEDGER)
  const next = createEntries({ seed: SEED, plain: bench.options.plain })
  let left = bench.options.entries
  const writer = async () => {
    while (left > 0) {
      bench.check()
      const rows = Array.from({ length: Math.min(ROWS_OF_STATEMENT, left) }, () => {
        const entry = next()
        addTo(totals, entry)
        left -= 1
        return rowOf(itemOf(entry, left))
      })
      const appended = await append(PARTICAO, rows)
      if (appended.some(({ outcome }) => outcome !== 'new')) throw new Error('an entry of the backlog was not new')
    }
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, writer))
  } finally {
    await closeSql(sql)
  }
}

/** Makes a ledger with `--entries` entries. Throws where it is not exactly what was put in. */
export const makeBacklog = async (bench: Bench): Promise<Backlog> => {
  const ledger = await bench.servers.createDatabase('lancamentos')
  const backlog: Backlog = { bench, ledger, totals: new Map() }
  await fill(backlog)
  const [error] = [
    ...ledgerErrors(await withSql(ledger.ownerUrl, readLedger)),
    ...(await totalsErrors(backlog.totals, ledger.ownerUrl, 'ledger')),
  ]
  if (error !== undefined) throw new Error(`the backlog is wrong: ${error}`)
  return backlog
}

/** Waits until the stream holds the whole backlog; entries a second since the first one was there. */
const waitPublished = async (redis: Redis, key: string, entries: number): Promise<number> => {
  let first: { at: number; length: number } | undefined
  const published = await waitUntil(
    async () => {
      const length = await redis.xlen(key)
      if (length > 0) first ??= { at: performance.now(), length }
      return length === entries
    },
    { timeoutMs: PUBLISH_TIMEOUT_MS, everyMs: PUBLISH_POLL_MS },
  )
  if (!published || !first) throw new Error('the relay did not publish the backlog')
  return ((entries - first.length) * 1000) / Math.max(1, performance.now() - first.at)
}

/** Lets the relay publish the backlog, and keeps a copy of the stream so that it can be drained again and again. */
export const publishBacklog = async (backlog: Backlog): Promise<Published> => {
  const { bench, ledger } = backlog
  const key = streamKey(STREAM_PREFIX, PARTICAO)
  const run = async <T>(work: (redis: Redis) => Promise<T>, db = 0): Promise<T> => {
    const redis = new Redis(bench.servers.redisUrl, { db, maxRetriesPerRequest: 0 })
    try {
      return await work(redis)
    } finally {
      redis.disconnect()
    }
  }
  await run((redis) => redis.flushall())
  const lancamentos = await bench.start.service('lancamentos', ledger)
  const relayPerSecond = await run((redis) => waitPublished(redis, key, bench.options.entries))
  await run((redis) => redis.call('COPY', key, key, 'DB', STASH_DB))
  const restoreStream = async () => {
    await run((redis) => redis.flushdb())
    await run((redis) => redis.call('COPY', key, key, 'DB', 0), STASH_DB)
  }
  return { ...backlog, lancamentos, relayPerSecond, restoreStream }
}
