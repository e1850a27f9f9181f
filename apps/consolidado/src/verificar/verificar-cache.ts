import { setTimeout as delay } from 'node:timers/promises'
import { createServerRun } from '@fluxo/shared/cache/server-run'
import { parseStored } from '@fluxo/shared/cache/set-if-newer'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { run as runStatement, statement } from '@fluxo/shared/postgres/statement'
import type { Redis } from 'ioredis'
import { emptySaldo, type Saldo, saldoJson, saldoKey } from '../domain/saldo.ts'
import { type DayKey, readDays } from '../projetar/saldo-store.ts'
import { type CachedDay, saysOtherwise, type VerifyDifference, verificarCachedDay } from './verificar.ts'

export type VerificarCacheDeps = {
  redis: Redis
  /** Keys are `<prefix>:{<comerciante>}:<data>`. */
  prefix: string
  /** On the database `consolidado`. */
  sql: Sql
  /** How long a value that is behind may take to be written: the write-through follows the commit. */
  lagMs?: number
}

/** Keys asked for at once. */
const KEYS_AT_ONCE = 500
const SCAN_COUNT = 1_000
/** Longer than a write that failed is repeated for, on a busy machine. */
const BEHIND_FOR_MS = 5_000
const LOOK_EVERY_MS = 100
const CACHE_KEY = /:\{([A-Za-z0-9._-]{1,64})\}:(\d{4}-\d\d-\d\d)$/

/** The days that the cache holds, `limit` of them at most. */
export async function cachedDays(
  { redis, prefix }: VerificarCacheDeps,
  { limite: limit, comercianteId = '*' }: { limite: number; comercianteId?: string | undefined },
): Promise<DayKey[]> {
  const days = new Map<string, DayKey>()
  for await (const keys of redis.scanStream({ match: `${prefix}:{${comercianteId}}:*`, count: SCAN_COUNT })) {
    for (const key of keys as string[]) {
      const [, owner, data] = CACHE_KEY.exec(key) ?? []
      if (owner !== undefined && data !== undefined) days.set(key, { comercianteId: owner, data })
      if (days.size >= limit) return [...days.values()]
    }
  }
  return [...days.values()]
}

/**
 * Compares cached days with their rows: never newer, and the same where the version is. Gives how many of the days were
 * in the cache. What was written under another run of the server is not served as current, so it is left out.
 */
export async function verificarCache(
  deps: VerificarCacheDeps,
  days: readonly DayKey[],
): Promise<{ seen: number; differences: VerifyDifference[] }> {
  const { redis, lagMs = BEHIND_FOR_MS } = deps
  const serverRun = createServerRun(redis)
  const run = await serverRun.known()
  serverRun.close()
  const differences: VerifyDifference[] = []
  let seen = 0
  for (let from = 0; from < days.length; from += KEYS_AT_ONCE) {
    let pending = await compare(deps, run, days.slice(from, from + KEYS_AT_ONCE))
    seen += pending.seen
    differences.push(...pending.wrong)
    // What was behind a moment ago: only the version that its row had then is waited for, newer ones may follow.
    const due = new Map(pending.behind.map((one) => [saldoKey(one.day.comercianteId, one.day.data), one]))
    for (const end = performance.now() + lagMs; due.size > 0 && performance.now() < end; ) {
      await delay(LOOK_EVERY_MS)
      pending = await compare(
        deps,
        run,
        [...due.values()].map(({ day }) => day),
      )
      const still = new Map(pending.behind.map((one) => [saldoKey(one.day.comercianteId, one.day.data), one]))
      for (const [chave, { saldo }] of due) {
        const now = still.get(chave)
        if (now === undefined || now.cached.versao >= saldo.versao) due.delete(chave)
      }
      differences.push(...pending.wrong)
    }
    for (const { day, cached, saldo } of due.values()) {
      differences.push({ tipo: 'cache', ...day, motivo: saysOtherwise(cached, saldoJson(saldo)) })
    }
  }
  return { seen, differences }
}

type BehindDay = { day: DayKey; cached: CachedDay; saldo: Saldo }

const GENERATION = statement('generations.current', 'select geracao from projecao')

async function compare({ redis, prefix, sql }: VerificarCacheDeps, run: string, days: readonly DayKey[]) {
  const chaves = days.map(({ comercianteId, data }) => saldoKey(comercianteId, data))
  // The cache first and the rows after it: only so must the cache not be the newer one.
  const texts = await Promise.all(chaves.map((chave) => redis.get(`${prefix}:${chave}`)))
  const rows = await readDays(sql, days)
  const [projection] = await runStatement<{ geracao: number }>(sql, GENERATION)
  const byKey = new Map(rows.map((saldo) => [saldoKey(saldo.comercianteId, saldo.data), saldo]))
  const wrong: VerifyDifference[] = []
  const behind: BehindDay[] = []
  let seen = 0
  for (const [i, day] of days.entries()) {
    const text = texts[i]
    if (text === null || text === undefined) continue
    seen += 1
    const cached = parseStored(text)
    if (cached === undefined) wrong.push({ tipo: 'cache', ...day, motivo: 'cached as something that is no entry' })
    if (cached?.run !== run) continue
    const empty = emptySaldo(day.comercianteId, day.data, projection?.geracao ?? 0)
    const saldo = byKey.get(chaves[i] ?? '') ?? empty
    const verdict = verificarCachedDay(cached, saldo)
    if (verdict.outcome === 'wrong') wrong.push({ tipo: 'cache', ...day, motivo: verdict.motivo })
    if (verdict.outcome === 'late') behind.push({ day, cached, saldo })
  }
  return { seen, wrong, behind }
}
