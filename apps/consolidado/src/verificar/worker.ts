import { systemClock } from '@fluxo/shared/clock'
import type { Lease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { loop } from '@fluxo/shared/resilience/loop'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createRound, type RoundDeps, type RoundResult } from './round.ts'
import { lineOf } from './verificar.ts'

/** Keys of the lease: the kind of work, and one for all partitions. */
export const VERIFICAR_LOCK = [LOCKS.verification, 0] as const

type VerificarWorkerDeps = RoundDeps & {
  lease: Lease
  /** Between the beginnings of two rounds. */
  everyMs: number
  log: Logger
  registry: Registry
}

export type VerificarWorker = { start(): void; stop(): Promise<void> }

/** Between two rounds while there is still history to add up. */
const BEHIND_MS = 100
/** Differences written to the log in one round; their number is in the metric, all of them in `npm run verify`. */
const LOG_MAX = 20
/** What the rounds can find; `npm run verify` looks at more. */
const BACKGROUND_TIPOS = ['saldo', 'versao', 'cache', 'razao', 'inbox', 'epoca'] as const

const SAYS = { failing: 'verification cannot go on for now', well: 'verification goes on' }

/**
 * Verifies in the background, in one instance at a time: adds up what is new in the ledger and compares the balances.
 *
 * Exports what it found, logs each difference once, and never stops the service: a round that cannot be done is tried
 * again at the next turn, and an alert fires where none succeeds.
 */
export function createVerificarWorker(deps: VerificarWorkerDeps): VerificarWorker {
  const { lease, everyMs, log } = deps
  const metrics = createMetrics(deps)
  let running: Promise<void> | undefined

  const work = async (signal: AbortSignal): Promise<void> => {
    const verificarRound = createRound(deps)
    const known = new Set<string>()
    const turn = async (well: () => void): Promise<void> => {
      const startedAt = performance.now()
      const roundResult = await verificarRound(signal)
      metrics.show(roundResult)
      warn(log, roundResult, known)
      well()
      const waitMs = roundResult.lags.size > 0 ? BEHIND_MS : everyMs
      const pause = Math.max(BEHIND_MS, waitMs - (performance.now() - startedAt))
      await systemClock.delay(pause, signal)
    }
    await loop({ turn, signal, says: SAYS, pauses: { firstMs: everyMs, maxMs: everyMs }, log })
    metrics.forget()
  }
  return {
    start: () => {
      running ??= lease.whileHeld(work)
    },
    stop: async () => {
      await lease.stop()
      await running
    },
  }
}

function createMetrics({ lease, registry }: VerificarWorkerDeps) {
  gauge(registry, {
    name: 'fluxo_verificacao_lease',
    help: '1 where this instance holds the lease of verification.',
    collect() {
      this.set(lease.held() ? 1 : 0)
    },
  })
  const differences = gauge(registry, {
    name: 'fluxo_verificacao_diferencas',
    help: 'Differences from the ledger that the last round found, by what differs.',
    labelNames: ['tipo'],
  })
  const timestamp = gauge(registry, {
    name: 'fluxo_verificacao_ultima_timestamp_seconds',
    help: 'When the balances were last compared with the ledger.',
  })
  // A gauge without labels shows 0 before it is set: 1970 would look like a verification long ago.
  timestamp.remove()
  const lag = gauge(registry, {
    name: 'fluxo_verificacao_atraso',
    help: 'Entries that are applied and that verification has not added up yet.',
    labelNames: ['particao'],
  })
  const days = counter(registry, {
    name: 'fluxo_verificacao_dias_total',
    help: "Merchants' days that were compared with the ledger.",
  })
  return {
    show: (roundResult: RoundResult) => {
      for (const tipo of BACKGROUND_TIPOS) {
        const found = roundResult.counts.get(tipo) ?? 0
        differences.set({ tipo }, tipo === 'razao' ? found + roundResult.faltas : found)
      }
      lag.reset()
      for (const [particao, count] of roundResult.lags) lag.set({ particao: String(particao) }, count)
      days.inc(roundResult.days)
      if (roundResult.lags.size === 0) timestamp.setToCurrentTime()
    },
    /** Another instance knows better from now on. */
    forget: () => {
      differences.reset()
      lag.reset()
      timestamp.remove()
    },
  }
}

/** One line for each difference that was not there in the round before. */
function warn(log: Logger, { differences, counts }: RoundResult, known: Set<string>): void {
  const lines = differences.map(lineOf)
  const added = lines.filter((line) => !known.has(line))
  for (const line of added.slice(0, LOG_MAX)) log.error({ difference: line }, 'the books differ from the ledger')
  if (added.length > LOG_MAX) {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
    log.error({ quantas: all }, 'the books differ from the ledger')
  }
  if (known.size > 0 && lines.length === 0) log.info({}, 'the books agree with the ledger again')
  known.clear()
  for (const line of lines) known.add(line)
}
