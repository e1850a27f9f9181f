import { setTimeout as delay } from 'node:timers/promises'
import type { Lease } from '@fluxo/shared/postgres/lease'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { type ConferirDeps, createConferir, type Rodada } from './conferir.ts'
import { type Diferenca, linhaDe } from './verificar.ts'

/** Keys of the lease: the kind of work, and one for all partitions. */
export const VERIFICACAO_LOCK = [7_264_204, 0] as const

type VigiaDeps = ConferirDeps & {
  lease: Lease
  /** Between the beginnings of two rounds. */
  everyMs: number
  log: Logger
  registry: Registry
}

export type Vigia = { start(): void; stop(): Promise<void> }

/** Between two rounds while there is still history to add up. */
const BEHIND_MS = 100
/** Differences written to the log in one round; their number is in the metric, all of them in `npm run verify`. */
const LOG_MAX = 20
/** What the rounds can find; `npm run verify` looks at more. */
const TIPOS = ['saldo', 'versao', 'cache', 'razao', 'inbox', 'epoca'] as const

/**
 * Verifies in the background, in one instance at a time: adds up what is new in the ledger and compares the balances.
 *
 * Exports what it found, logs each difference once, and never stops the service: a round that cannot be done is tried
 * again at the next turn, and an alert speaks where none succeeds.
 */
export function createVigia(deps: VigiaDeps): Vigia {
  const { lease, everyMs, log } = deps
  const metricas = createMetricas(deps)
  let running: Promise<void> | undefined

  const work = async (signal: AbortSignal): Promise<void> => {
    const conferir = createConferir(deps)
    const sabidas = new Set<string>()
    let failures = 0
    while (!signal.aborted) {
      const inicio = performance.now()
      let espera = everyMs
      try {
        const rodada = await conferir(signal)
        metricas.mostrar(rodada)
        avisar(log, rodada.diferencas, sabidas)
        failures = 0
        if (rodada.atrasos.size > 0) espera = BEHIND_MS
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        if (failures === 1) log.warn({ err: error }, 'verification cannot go on for now')
      }
      const pausa = Math.max(BEHIND_MS, espera - (performance.now() - inicio))
      await delay(pausa, undefined, { signal }).catch(() => {})
    }
    metricas.esquecer()
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

function createMetricas({ lease, registry }: VigiaDeps) {
  gauge(registry, {
    name: 'fluxo_verificacao_lease',
    help: '1 where this instance holds the lease of verification.',
    collect() {
      this.set(lease.held() ? 1 : 0)
    },
  })
  const diferencas = gauge(registry, {
    name: 'fluxo_verificacao_diferencas',
    help: 'Differences from the ledger that the last round found, by what differs.',
    labelNames: ['tipo'],
  })
  const ultima = gauge(registry, {
    name: 'fluxo_verificacao_ultima_timestamp_seconds',
    help: 'When the balances were last compared with the ledger.',
  })
  // A gauge without labels shows 0 before it is set: 1970 would look like a verification long ago.
  ultima.remove()
  const atraso = gauge(registry, {
    name: 'fluxo_verificacao_atraso',
    help: 'Entries that are applied and that verification has not added up yet.',
    labelNames: ['particao'],
  })
  const dias = counter(registry, {
    name: 'fluxo_verificacao_dias_total',
    help: "Merchants' days that were compared with the ledger.",
  })
  return {
    mostrar: (rodada: Rodada) => {
      for (const tipo of TIPOS) {
        const achadas = rodada.diferencas.filter((d) => d.tipo === tipo).length
        diferencas.set({ tipo }, tipo === 'razao' ? achadas + rodada.faltas : achadas)
      }
      atraso.reset()
      for (const [particao, quantos] of rodada.atrasos) atraso.set({ particao: String(particao) }, quantos)
      dias.inc(rodada.dias)
      if (rodada.atrasos.size === 0) ultima.setToCurrentTime()
    },
    /** Another instance knows better from now on. */
    esquecer: () => {
      diferencas.reset()
      atraso.reset()
      ultima.remove()
    },
  }
}

/** One line for each difference that was not there in the round before. */
function avisar(log: Logger, diferencas: readonly Diferenca[], sabidas: Set<string>): void {
  const linhas = diferencas.map(linhaDe)
  const novas = linhas.filter((linha) => !sabidas.has(linha))
  for (const linha of novas.slice(0, LOG_MAX)) log.error({ diferenca: linha }, 'the books differ from the ledger')
  if (novas.length > LOG_MAX) log.error({ quantas: novas.length }, 'the books differ from the ledger')
  if (sabidas.size > 0 && linhas.length === 0) log.info({}, 'the books agree with the ledger again')
  sabidas.clear()
  for (const linha of linhas) sabidas.add(linha)
}
