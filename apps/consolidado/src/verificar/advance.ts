import { setTimeout as delay } from 'node:timers/promises'
import type { FeedClient } from '@fluxo/shared/feed/client'
import { saldoKey } from '../domain/saldo.ts'
import type { SignedLancamento } from '../projetar/projetar.ts'
import type { DayKey } from '../projetar/saldo-store.ts'
import { createDayTotals } from '../reconstruir/day-totals.ts'
import { BACKGROUND_PAGE_ROWS, readLedger } from './read-ledger.ts'
import type { Checkpoint, Comparison, VerificarStore } from './store.ts'
import type { RawWatermark } from './verificar.ts'

/** After each page the process has its time for itself, twice as long: a third of one core at most. */
const REST_FACTOR = 2
/** Events added up in one round, and so days in memory; what is left is for the next, which then follows at once. */
const EVENTS_MAX = 50_000
/** Days that are noted as touched; further ones are compared in their turn. */
export const TOUCHED_MAX = 5_000

type AdvanceOptions = {
  watermark: RawWatermark
  epoca: string
  firstLook: Comparison
  touched: Map<string, DayKey>
  signal: AbortSignal
}

/** Adds up what the inbox has applied without a hole and this check has not read; gives how many entries are left. */
export async function advanceRound(
  deps: { store: VerificarStore; feed: FeedClient },
  { watermark, epoca, firstLook, touched, signal }: AdvanceOptions,
): Promise<number> {
  const { store, feed } = deps
  const { particao, aplicadaAte } = watermark
  const { geracao, skipped } = firstLook.snapshot
  const before = firstLook.checkpoints.find((one) => one.particao === particao)
  const next: Checkpoint = {
    particao,
    posicao: 0,
    ultimoId: null,
    faltas: 0,
    epoca,
    geracao,
    redirigidas: firstLook.redirigidas,
  }
  let checkpoint = before
  if (before === undefined || !(await isStillValid(feed, before, next, aplicadaAte))) {
    await store.restart(next)
    checkpoint = next
  }
  if (checkpoint === undefined || checkpoint.posicao >= aplicadaAte) return 0
  const totals = createDayTotals()
  const ate = Math.min(aplicadaAte, checkpoint.posicao + EVENTS_MAX)
  const withoutEffect = skipped.get(particao)
  let readAt = performance.now()
  const reading = await readLedger(
    feed,
    { particao, after: checkpoint.posicao, ate, rows: BACKGROUND_PAGE_ROWS },
    ({ posicao, lancamento }) => {
      if (lancamento === undefined || withoutEffect?.has(posicao)) return
      totals.add(lancamento)
      if (touched.size < TOUCHED_MAX)
        touched.set(saldoKey(lancamento.comercianteId, lancamento.data), dayOf(lancamento))
    },
    async () => {
      signal.throwIfAborted()
      await delay((performance.now() - readAt) * REST_FACTOR, undefined, { signal })
      readAt = performance.now()
    },
  )
  const faltas = reading.faltas.reduce((sum, { de, ate: end }) => sum + end - de + 1, 0)
  const posicao = reading.ate
  const after = {
    ...checkpoint,
    posicao,
    ultimoId: reading.ultimoId ?? checkpoint.ultimoId,
    faltas: checkpoint.faltas + faltas,
  }
  if (reading.entriesRead > 0 && !(await store.write(checkpoint, after, totals.take()))) {
    throw new Error('another instance verifies too')
  }
  return reading.entriesRead === 0 ? 0 : aplicadaAte - posicao
}

const dayOf = ({ comercianteId, data }: SignedLancamento): DayKey => ({ comercianteId, data })

/** Whether what was added up is still of the log and the generation that are compared now. */
async function isStillValid(
  feed: FeedClient,
  before: Checkpoint,
  now: Checkpoint,
  aplicadaAte: number,
): Promise<boolean> {
  const { particao, posicao, ultimoId } = before
  const same = before.epoca === now.epoca && before.geracao === now.geracao && before.redirigidas === now.redirigidas
  if (!same || posicao > aplicadaAte) return false
  if (posicao === 0 || ultimoId === null) return true
  const { eventos } = await feed.page({ particao, after: posicao - 1, limite: 1 })
  return (eventos[0]?.evento as { id?: unknown } | undefined)?.id === ultimoId
}
