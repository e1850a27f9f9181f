import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import type { Commit, Group } from '@fluxo/shared/follow/group'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import { type Saldo, saldoJson, saldoKey } from '../domain/saldo.ts'
import { createVisibility, exportMetrics } from './metrics.ts'
import { CONSOLIDADO_GROUP } from './names.ts'
import { SALDO_EFFECT, type SignedLancamento } from './projetar.ts'
import { readLancamento } from './read-evento.ts'
import { readDays } from './saldo-store.ts'

export type ProjectionDeps = {
  /** A pool for single statements. */
  sql: Sql
  cache: Pick<VersionedCache, 'setIfNewer'>
  registry: Registry
}

/** Readers may wait for an entry: one consumer writes the cache of its batch while PostgreSQL applies that of the other. */
const LANES = 2

/** The projection as a group of the ledger's log: entries become balances, and these are in the cache before the ack. */
export function createProjection(deps: ProjectionDeps): Group<SignedLancamento, Saldo[]> {
  const visible = createVisibility(deps.registry)
  return {
    group: CONSOLIDADO_GROUP,
    read: readLancamento,
    effect: SALDO_EFFECT,
    committed: async (commit) => {
      const written = await writeCache(deps, commit)
      if (commit.applied > 0) visible(commit)
      // Acknowledged all the same, it would leave the old day in the cache, for all instances and for an hour, if this process ended
      // before it had repeated the write. What was pulled is in the database, and the write is repeated in the background.
      if (!written && commit.origin === 'stream') throw new Error('the cache could not be written')
    },
    lanes: LANES,
    spans: { batch: 'project', apply: 'inbox apply', committed: 'cache write' },
    remedy: 'run `npm run consolidado:rebuild`',
    copiesLetters: true,
    metrics: exportMetrics,
  }
}

/**
 * Writes through what was touched, and says whether that was done. Days of repeated events are read and written as well: the attempt
 * that applied them may have ended between commit and cache. In a statement of its own, whose snapshot is newer than that commit.
 */
async function writeCache({ sql, cache }: ProjectionDeps, commit: Commit<SignedLancamento, Saldo[]>): Promise<boolean> {
  const saldos = commit.touched.flat()
  if (commit.repeated > 0) {
    const others = new Map(commit.rows.map((row) => [saldoKey(row.comercianteId, row.data), row]))
    for (const { comercianteId, data } of saldos) others.delete(saldoKey(comercianteId, data))
    if (others.size > 0) saldos.push(...(await readDays(sql, [...others.values()])))
  }
  return saldos.length === 0 || cache.setIfNewer(saldos.map(cacheEntry))
}

/** A balance as it is cached: the answer's body under the day's key and version. */
export const cacheEntry = (saldo: Saldo) => ({
  key: saldoKey(saldo.comercianteId, saldo.data),
  versao: saldo.versao,
  body: saldoJson(saldo),
})
