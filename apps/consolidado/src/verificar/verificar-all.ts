import type { FeedClient } from '@fluxo/shared/feed/client'
import { particaoOf } from '@fluxo/shared/log/particao-of'
import type { Publisher } from '@fluxo/shared/log/publisher'
import type { SignedLancamento } from '../projetar/projetar.ts'
import { type LedgerReading, readLedger } from './read-ledger.ts'
import { type BalanceSnapshot, type DayFilter, takeSnapshot } from './snapshot.ts'
import {
  type DayAmounts,
  isApplied,
  NO_ENTRIES,
  type RawWatermark,
  type StoredSaldo,
  type VerifyDifference,
  verificarDay,
  verificarWatermark,
} from './verificar.ts'
import { cachedDays, type VerificarCacheDeps, verificarCache } from './verificar-cache.ts'

/** How far the relay says it has published, and the head of the same moment: read where the ledger's database may be. */
export type RelayCursor = { particao: number; cursor: number; ultima: number }

type VerificarAllDeps = {
  /** The service's own role on the database `consolidado`. */
  databaseUrl: string
  feed: FeedClient
  filter?: DayFilter
  /** Without it nothing of Redis is looked at. */
  cache?: VerificarCacheDeps & { stream: Pick<Publisher, 'tail'>; amostra: number }
  /** For who may read the ledger's database. */
  cursors?: (() => Promise<RelayCursor[]>) | undefined
  onProgress?: (progress: { entries: number; ms: number }) => void
}

export type Verification = {
  differences: VerifyDifference[]
  entries: number
  days: number
  cached: number
  ms: number
}

type BookDay = { comercianteId: string; data: string; razao: DayAmounts; saldo: StoredSaldo | undefined }

/**
 * Re-derives the balances from the ledger and compares everything that is stored.
 *
 * The services go on meanwhile: the balances are read in one snapshot, with the inbox of the same moment, and the ledger
 * is added up over exactly the positions that this inbox holds. Memory grows with the number of merchants' days only,
 * some 0.4 KB each. Rejects where the ledger or the database does not answer.
 */
export async function verificarAll(deps: VerificarAllDeps): Promise<Verification> {
  const { feed, databaseUrl, filter = {}, onProgress = () => {} } = deps
  const startedAt = performance.now()
  const elapsed = () => performance.now() - startedAt
  const { particoes = 1 } = await feed.page({ particao: 0, after: 0, limite: 1 })
  const book = createDayBook(filter)
  const snapshot = await takeSnapshot(databaseUrl, filter, book.store)

  const differences: VerifyDifference[] = []
  let entries = 0
  const { comercianteId } = filter
  const only = comercianteId === undefined ? undefined : particaoOf(comercianteId, particoes)
  for (let particao = 0; particao < particoes; particao += 1) {
    if (only !== undefined && only !== particao) continue
    const watermark = snapshot.watermarks.find((one) => one.particao === particao) ?? emptyWatermark(particao)
    const skipped = snapshot.skipped.get(particao) ?? new Set()
    const reading = await readLedger(
      feed,
      { particao },
      ({ posicao, lancamento }) => {
        if (lancamento && isApplied(watermark, posicao) && !skipped.has(posicao)) book.add(lancamento)
      },
      (readings) => {
        entries += readings
        onProgress({ entries, ms: elapsed() })
      },
    )
    differences.push(...(await verificarParticao(deps, { watermark, leitura: reading, skipped: skipped.size })))
  }
  const days = book.verificar(snapshot)
  differences.push(...days.differences, ...(await verificarCursors(deps)))
  const cache = await verificarSample(deps)
  differences.push(...cache.differences)
  return { differences, entries, days: days.total, cached: cache.seen, ms: elapsed() }
}

const emptyWatermark = (particao: number): RawWatermark => ({
  particao,
  aplicadaAte: 0,
  adiante: [],
  epoca: null,
  ultimaPosicao: 0,
  ultimoId: null,
  divergente: null,
})

/** Merchants' days, from both sides. */
function createDayBook({ comercianteId, de, ate }: DayFilter) {
  const days = new Map<string, BookDay>()
  const dayOf = (owner: string, data: string): BookDay => {
    // The day first: it has a fixed length, so the two can be told apart.
    const chave = data + owner
    let day = days.get(chave)
    if (day === undefined) {
      day = { comercianteId: owner, data, razao: { ...NO_ENTRIES }, saldo: undefined }
      days.set(chave, day)
    }
    return day
  }
  const isWithin = (l: SignedLancamento): boolean =>
    (comercianteId === undefined || l.comercianteId === comercianteId) &&
    (de === undefined || l.data >= de) &&
    (ate === undefined || l.data <= ate)
  return {
    store: (day: { comercianteId: string; data: string }, saldo: StoredSaldo) => {
      dayOf(day.comercianteId, day.data).saldo = saldo
    },
    add: (lancamento: SignedLancamento) => {
      if (!isWithin(lancamento)) return
      const { razao: ledger } = dayOf(lancamento.comercianteId, lancamento.data)
      if (lancamento.valor > 0n) ledger.creditos += lancamento.valor
      else ledger.debitos -= lancamento.valor
      ledger.quantidade += 1
    },
    verificar: ({ geracao }: BalanceSnapshot) => {
      const differences: VerifyDifference[] = []
      for (const day of days.values()) differences.push(...verificarDay(day, day.razao, day.saldo, geracao))
      return { total: days.size, differences: differences.sort(byDay) }
    },
  }
}

const chave = (d: VerifyDifference): string => ('comercianteId' in d ? `${d.comercianteId} ${d.data}` : '')
const byDay = (a: VerifyDifference, b: VerifyDifference): number => (chave(a) < chave(b) ? -1 : 1)

type PartitionReading = { watermark: RawWatermark; leitura: LedgerReading; skipped: number }

/** The ledger's own sequence, the inbox against it, and the stream that was published from it. */
async function verificarParticao(
  deps: VerificarAllDeps,
  { watermark, leitura: reading, skipped }: PartitionReading,
): Promise<VerifyDifference[]> {
  const { feed } = deps
  const { particao, ultimaPosicao } = watermark
  const differences: VerifyDifference[] = reading.faltas.map(({ de, ate }) => {
    const which = de === ate ? `position ${de}` : `positions ${de} to ${ate}`
    return { tipo: 'razao', particao, motivo: `the ledger lacks ${which}` }
  })
  // The counter was read after the rows, so whatever it promised then must be there when the rows are read again.
  const after = await feed.page({ particao, after: reading.ate, limite: 1 })
  if (reading.ultima > reading.ate && after.eventos[0]?.posicao !== reading.ate + 1) {
    const motivo = `the counter stands at ${reading.ultima}, and the last entry is ${reading.ate}`
    differences.push({ tipo: 'razao', particao, motivo })
  }
  if (after.ultima < reading.ate) {
    const motivo = `the counter stands at ${after.ultima}, below the entry ${reading.ate}`
    differences.push({ tipo: 'razao', particao, motivo })
  }
  if (skipped > 0) {
    const motivo = `${skipped} entries wait as dead letters and are in no balance: \`npm run dlq -- list\``
    differences.push({ tipo: 'carta', particao, motivo })
  }
  const idAtUltima = await idAt(feed, particao, ultimaPosicao)
  const ultima = Math.max(after.ultima, reading.ate)
  differences.push(...verificarWatermark(watermark, { epoca: after.epoca, ultima, idAtUltima }))
  return [...differences, ...(await verificarStream(deps, particao))]
}

const idAt = async (feed: FeedClient, particao: number, posicao: number): Promise<string | undefined> => {
  if (posicao < 1) return undefined
  const { eventos } = await feed.page({ particao, after: posicao - 1, limite: 1 })
  if (eventos[0]?.posicao !== posicao) return undefined
  const id = (eventos[0].evento as { id?: unknown } | null)?.id
  return typeof id === 'string' ? id : undefined
}

/** What was published is in the ledger: the stream ends at or before its head, with the same event. */
async function verificarStream({ cache, feed }: VerificarAllDeps, particao: number): Promise<VerifyDifference[]> {
  const end = await cache?.stream.tail(particao)
  if (end === undefined || end.posicao === 0) return []
  const { ultima } = await feed.page({ particao, after: end.posicao, limite: 1 })
  if (end.posicao > ultima) {
    return [{ tipo: 'relay', particao, motivo: `the stream ends at ${end.posicao}, and the ledger at ${ultima}` }]
  }
  const id = await idAt(feed, particao, end.posicao)
  if (end.id === undefined || id === undefined || end.id === id) return []
  return [{ tipo: 'relay', particao, motivo: `the stream holds another event at ${end.posicao} than the ledger` }]
}

async function verificarCursors({ cursors }: VerificarAllDeps): Promise<VerifyDifference[]> {
  const all = (await cursors?.()) ?? []
  return all
    .filter(({ cursor, ultima }) => cursor > ultima)
    .map(({ particao, cursor, ultima }) => {
      return { tipo: 'relay', particao, motivo: `the relay's cursor is at ${cursor}, and the ledger ends at ${ultima}` }
    })
}

async function verificarSample({ cache, filter = {} }: VerificarAllDeps) {
  if (cache === undefined) return { seen: 0, differences: [] }
  const { de = '', ate = '9999' } = filter
  const days = await cachedDays(cache, { limite: cache.amostra, comercianteId: filter.comercianteId })
  return verificarCache(
    cache,
    days.filter(({ data }) => data >= de && data <= ate),
  )
}
