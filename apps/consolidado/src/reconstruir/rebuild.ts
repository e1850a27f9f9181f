import { setTimeout as delay } from 'node:timers/promises'
import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { FeedClient } from '@fluxo/shared/feed/client'
import { prepareParticoes, readWatermarks, type Watermark } from '@fluxo/shared/inbox/watermark'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import type { Tx } from '@fluxo/shared/postgres/transactions'
import { cacheEntry } from '../projetar/projection.ts'
import { changedDays, type RebuildDifference } from './compare.ts'
import { createGeracaoStore } from './geracao-store.ts'
import { isWhole, targetOf } from './reconstruir.ts'
import { createShadow, type Shadow } from './shadow.ts'
import { deleteOthers, hold, release, swap } from './swap.ts'

type RebuildDeps = {
  /** The service's own role on the database `consolidado`. */
  databaseUrl: string
  feed: FeedClient
  particoes: number
  /** Without it, days that the rebuild changed are served from the cache until their life ends. */
  cache?: Pick<VersionedCache, 'setIfNewer'>
  /** Hears of progress: entries read so far, and milliseconds since the start. */
  onProgress?: (progress: { entries: number; ms: number }) => void
}

export type Rebuild = {
  geracao: number
  entries: number
  ms: number
  /** Milliseconds during which the projection stood still; reads never did. */
  stoppedMs: number
  /** Events that cannot be applied: dead letters. */
  unreadable: number
  /** Days whose amounts are not as before, and the first of them. */
  changedCount: number
  changes: RebuildDifference[]
}

/** Comparing and deleting generations of millions of days takes its time; nobody waits for it. */
const STATEMENT_TIMEOUT_MS = 600_000
/** Rounds of catching up before the projection is stopped: each is shorter than the one before. */
const ROUNDS_MAX = 5
/** What may be left to read while the projection stands still: a page, some 100 ms. */
const REST_MAX = 5_000
/** A hole closes as soon as the other batch under way is applied; one that stays is not waited for. */
const HOLDS_MAX = 20
const HOLD_AGAIN_MS = 25
/** Differences told one by one. */
const CHANGES_TOLD_MAX = 100

/**
 * Builds the projection anew from position 0 of the ledger, beside the one that is read, and swaps them.
 *
 * The new generation is filled to where the projection stands; then the projection is held, the rest is read with no
 * transaction open, and one transaction swaps generation and inbox. It reads exactly what had been applied, so that the
 * two must be equal, unless the log was exchanged: then all of the new one. Rejects where the ledger ends before what
 * was applied; then nothing has changed.
 */
export async function reconstruir(deps: RebuildDeps): Promise<Rebuild> {
  const { databaseUrl: url } = deps
  const limits = { max: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS }
  const pool = createSql({ url, name: 'reconstruir', ...limits })
  // `fetchTypes`, without which postgres.js never hands a new connection to `reserve()` (see createTransactions).
  const swapPool = createSql({ url, name: 'reconstruir troca', fetchTypes: true, ...limits })
  let connection: Awaited<ReturnType<Sql['reserve']>> | undefined
  try {
    connection = await swapPool.reserve()
    const [row] = await connection<{ won: boolean }[]>`select pg_try_advisory_lock(${LOCKS.rebuild}, 0) as won`
    if (row?.won !== true) throw new Error('another rebuild is running')
    return await rebuild(deps, pool, connection)
  } finally {
    connection?.release()
    // Closing the connection also gives back whatever locks an error left.
    await Promise.all([closeSql(pool), closeSql(swapPool)])
  }
}

async function rebuild(deps: RebuildDeps, pool: Sql, connection: Tx): Promise<Rebuild> {
  const { feed, particoes, onProgress = () => {} } = deps
  const startedAt = performance.now()
  const elapsed = (comparison: number) => performance.now() - comparison
  await prepareParticoes(pool, particoes)
  const store = createGeracaoStore(pool)
  const { atual: current, nova: next } = await store.geracoes()
  // What an earlier rebuild left behind when it was stopped.
  await store.deleteOthers(current)

  let entries = 0
  const onEntries = (quantidade: number) => {
    entries += quantidade
    onProgress({ entries, ms: elapsed(startedAt) })
  }
  const shadows = Array.from({ length: particoes }, (_, particao) =>
    createShadow({ feed, store, geracao: next, particao, onEntries }),
  )
  for (const shadow of shadows) await shadow.identify()
  await catchUp(pool, shadows)

  const stoppedAt = performance.now()
  await holdWithoutHoles(pool, connection, particoes)
  try {
    await complete(await readWatermarks(pool), shadows)
    await swap(connection, next, shadows)
    // A snapshot of the moment of the swap, to compare while the projection goes on.
    await connection`begin isolation level repeatable read read only`
    await connection`select 1 from projecao`
  } finally {
    await release(connection, particoes).catch(() => {})
  }
  const stoppedMs = elapsed(stoppedAt)
  const changes = await countChanges(deps, connection, current, next)
  await connection`commit`
  await deleteOthers(connection, next)
  const unreadable = shadows.reduce((sum, shadow) => sum + shadow.unreadable.length, 0)
  return { geracao: next, entries, ms: elapsed(startedAt), stoppedMs, unreadable, ...changes }
}

/** Reads until little is left; the projection goes on meanwhile. */
async function catchUp(pool: Sql, shadows: readonly Shadow[]): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const watermarks = await readWatermarks(pool)
    let readings = 0
    for (const shadow of shadows) {
      const before = shadow.posicao
      const watermark = watermarks[shadow.particao]
      await shadow.advance(targetOf(watermark, shadow))
      await shadow.write()
      readings += shadow.posicao - before
    }
    if (readings <= REST_MAX) return
  }
}

/** Holds the projection at a moment without holes, if there is one. */
async function holdWithoutHoles(pool: Sql, connection: Tx, particoes: number): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    await hold(connection, particoes)
    if (turn === HOLDS_MAX || isWhole(await readWatermarks(pool))) return
    await release(connection, particoes)
    await delay(HOLD_AGAIN_MS)
  }
}

/** Reads the rest while the projection is held. */
async function complete(watermarks: readonly Watermark[], shadows: readonly Shadow[]): Promise<void> {
  for (const shadow of shadows) {
    const target = targetOf(watermarks[shadow.particao], shadow)
    await shadow.advance(target)
    await shadow.write()
    if (target !== undefined && shadow.posicao < target) {
      const { particao, posicao } = shadow
      throw new Error(`partition ${particao}: the ledger ends at ${posicao}, before ${target}, which was applied`)
    }
  }
}

/** Counts what changed and puts the cache right. A day that is gone becomes a cached zero, newer than what it replaces. */
async function countChanges({ cache }: RebuildDeps, connection: Tx, current: number, next: number) {
  const first: RebuildDifference[] = []
  let changedCount = 0
  for await (const portion of changedDays(connection, current, next)) {
    changedCount += portion.length
    first.push(...portion.slice(0, CHANGES_TOLD_MAX - first.length))
    await cache?.setIfNewer(portion.map(({ after }) => cacheEntry(after)))
  }
  return { changedCount, changes: first }
}
