import type { FeedClient } from '@fluxo/shared/feed/client'
import { saldoKey } from '../domain/saldo.ts'
import type { DayKey } from '../projetar/saldo-store.ts'
import { advanceRound, TOUCHED_MAX } from './advance.ts'
import type { Comparison, DayPair, VerificarStore } from './store.ts'
import { createTail } from './tail.ts'
import {
  type DayAmounts,
  type RawWatermark,
  type VerifyDifference,
  verificarDay,
  verificarWatermark,
} from './verificar.ts'

export type RoundDeps = {
  store: VerificarStore
  feed: FeedClient
  particoes: number
  /** Compares cached days with their rows; gives nothing while Redis is away. */
  verificarCache: (days: readonly DayKey[]) => Promise<VerifyDifference[]>
}

/** What one round found, and how far it came. */
export type RoundResult = {
  /** What differs: all of it counted by kind, the first `KEPT_MAX` in full. */
  counts: ReadonlyMap<VerifyDifference['tipo'], number>
  differences: readonly VerifyDifference[]
  /** Days compared. */
  days: number
  /** Entries that are applied and not added up yet, by partition; above 0 the days were not compared. */
  lags: Map<number, number>
  /** Positions that the ledger lacks, of all that was read. */
  faltas: number
}

/** Days compared by one statement. */
const STRETCH_DAYS = 5_000
/** For walking through all days: what is left is compared in the next round. */
const STRETCHES_MS = 1_000
/** Of the touched days, those that are looked up in the cache. */
const CACHED_MAX = 200
/**
 * Differences of one round that are kept, their days looked at in every round until they agree. Balances of another time differ in
 * every day: 150,000 differences took 50 MB.
 */
const KEPT_MAX = 1_000

/**
 * The integrity check by increments (docs/decisions/0009).
 *
 * Sums of the ledger by merchant and day are kept in tables of the check's own (`conferencia`), each entry read once
 * through the feed; a round adds up what is new, then compares with the balances: first the days that were touched and
 * those that differed before, then all days in turn, as far as its time goes. Balances, inbox and sums are read in one
 * snapshot, and entries that are in one and not yet in the other are added up in memory; no transaction is open while
 * the ledger is asked.
 */
export function createRound(deps: RoundDeps): (signal: AbortSignal) => Promise<RoundResult> {
  const suspects = new Map<string, DayKey>()
  let afterDay: DayKey | undefined

  return async (signal) => {
    const { store, particoes } = deps
    const firstLook = await store.days([])
    const findings = createFindings()
    const touched = new Map<string, DayKey>()
    const lags = new Map<number, number>()
    for (const watermark of firstLook.snapshot.watermarks.slice(0, particoes)) {
      // Before its first event there is nothing to compare, and no epoch to compare it under.
      if (watermark.epoca === null) continue
      const ofWatermark = await lookAtWatermark(deps, watermark)
      findings.add(ofWatermark)
      // Another log: it is told, and the days are not compared with what they do not come from.
      if (ofWatermark.some(({ tipo }) => tipo === 'epoca')) return roundResult(findings, 0, lags, firstLook)
      const lag = await advanceRound(deps, { watermark, epoca: watermark.epoca, firstLook, touched, signal })
      if (lag > 0) lags.set(watermark.particao, lag)
    }
    if (lags.size > 0) return roundResult(findings, 0, lags, firstLook)

    const tail = createTail(deps.feed)
    const compare = async (comparison: Comparison, seen: ReadonlySet<string>): Promise<void> => {
      const extra = await tail.ate(comparison)
      for (const pair of comparison.pairs) {
        if (seen.has(saldoKey(pair.comercianteId, pair.data))) continue
        findings.add(comparePair(pair, extra(pair), comparison.snapshot.geracao))
      }
    }
    const touchedFirst = [...new Map([...suspects, ...touched]).values()].slice(0, TOUCHED_MAX)
    let latest = await store.days(touchedFirst)
    let { days } = latest
    await compare(latest, new Set())
    const seen = new Set(touchedFirst.map(({ comercianteId, data }) => saldoKey(comercianteId, data)))
    for (const end = performance.now() + STRETCHES_MS; performance.now() < end && !signal.aborted; ) {
      latest = await store.stretch(afterDay, STRETCH_DAYS)
      await compare(latest, seen)
      days += latest.days
      afterDay = latest.ate
      if (afterDay === undefined) break
    }
    findings.add(await deps.verificarCache(touchedFirst.slice(0, CACHED_MAX)))
    suspects.clear()
    for (const d of findings.differences) {
      if ('comercianteId' in d) suspects.set(saldoKey(d.comercianteId, d.data), d)
    }
    return roundResult(findings, days, lags, latest)
  }
}

const createFindings = () => {
  const differences: VerifyDifference[] = []
  const counts = new Map<VerifyDifference['tipo'], number>()
  const add = (found: readonly VerifyDifference[]): void => {
    for (const difference of found) {
      counts.set(difference.tipo, (counts.get(difference.tipo) ?? 0) + 1)
      if (differences.length < KEPT_MAX) differences.push(difference)
    }
  }
  return { differences, counts, add }
}

const roundResult = (
  { differences, counts }: ReturnType<typeof createFindings>,
  days: number,
  lags: Map<number, number>,
  { checkpoints }: Comparison,
): RoundResult => {
  return { differences, counts, days, lags, faltas: checkpoints.reduce((sum, { faltas }) => sum + faltas, 0) }
}

async function lookAtWatermark({ feed }: RoundDeps, watermark: RawWatermark): Promise<VerifyDifference[]> {
  const { particao, ultimaPosicao } = watermark
  const page = await feed.page({ particao, after: Math.max(0, ultimaPosicao - 1), limite: 1 })
  const [evento] = page.eventos
  const id = (evento?.evento as { id?: unknown } | undefined)?.id
  const idAtUltima = evento?.posicao === ultimaPosicao && typeof id === 'string' ? id : undefined
  return verificarWatermark(watermark, { epoca: page.epoca, ultima: page.ultima, idAtUltima })
}

function comparePair(pair: DayPair, extra: DayAmounts | undefined, geracao: number): VerifyDifference[] {
  const { summed, saldo } = pair
  const ledger = {
    creditos: summed.creditos + (extra?.creditos ?? 0n),
    debitos: summed.debitos + (extra?.debitos ?? 0n),
    quantidade: summed.quantidade + (extra?.quantidade ?? 0),
  }
  return verificarDay(pair, ledger, saldo, geracao)
}
