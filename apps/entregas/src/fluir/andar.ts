import { type Clock, systemClock } from '@fluxo/shared/clock'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, type Registry } from '@fluxo/shared/telemetry/metrics'
import { isSampled, type Tracing } from '@fluxo/shared/telemetry/tracing'
import { type Alarme, createAlarme } from '../alarme.ts'
import type { LeituraStore } from '../listar/store.ts'
import type { PedidoStore } from '../mover/store.ts'
import { mudancaDoPasso, type Passo } from './fluir.ts'
import { tomarPassos } from './passo-store.ts'

type AndarDeps = {
  /** A pool for single statements. */
  sql: Sql
  store: Pick<PedidoStore, 'mover'>
  leitura: Pick<LeituraStore, 'porId'>
  particoes: number
  novoId: () => string
  agora: () => Date
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  pollMs?: number
  clock?: Clock
}

type Andador = {
  start: () => void
  /** Says that steps of a partition may be due. A hint: polling is the guarantee. */
  wake: (particao: number) => void
  /** Ends after the steps in hand. */
  stop: () => Promise<void>
}

/** As many as one group commit carries. */
const PASSOS_MAX = 500
/** Steps that others planned are found this late at most: one probe of an index each. */
const POLL_MS = 50
/** Longest pause while the database is away. */
const BACKOFF_MAX_MS = 2_000

/** Makes the change that a step asks for, and shows it in the order's trace: what follows from it goes on from there. */
export async function darPasso(deps: AndarDeps, passo: Passo): Promise<void> {
  const { tracing } = deps
  const { rastro, pedidoId, versao, para } = passo
  if (tracing === undefined || rastro === undefined || !isSampled(rastro)) return void (await mudar(deps, passo))
  const span = tracing.start('flow step', { parent: rastro, attributes: { pedidoId, versao, para } })
  try {
    const desfecho = await mudar(deps, { ...passo, rastro: span.traceparent })
    span.end({ attributes: { desfecho } })
  } catch (error) {
    span.end({ error })
    throw error
  }
}

/** What came of a step: taken, or lost where somebody else has moved the order; the log says what became of that one. */
async function mudar(deps: AndarDeps, passo: Passo): Promise<'dado' | 'perdido'> {
  const { store, leitura, novoId, agora, log, registry } = deps
  const createdAt = agora()
  const mudanca = mudancaDoPasso(passo, createdAt)
  const pedida = { mudanca, eventoId: novoId(), createdAt, rastro: passo.rastro, passo: passo.versao }
  const desfecho = (await store.mover(pedida)).desfecho === 'movido' ? 'dado' : 'perdido'
  const passos = counter(registry, {
    name: 'fluxo_fluxo_passos_total',
    help: 'Steps of the automatic flow, by what came of them: dado, or perdido where somebody else had moved the order.',
    labelNames: ['desfecho'],
  })
  passos.inc({ desfecho })
  if (desfecho === 'dado') return desfecho
  const pedido = await leitura.porId(passo.comercianteId, passo.pedidoId)
  const { pedidoId, versao, para } = passo
  const atual = { status: pedido?.status, versaoAtual: pedido?.version }
  log.info({ pedidoId, versao, para, ...atual }, 'a step was not taken: the order has moved since it was planned')
  return desfecho
}

/** Takes the steps that are due: claims them, and makes their changes in one group commit. */
export function createAndador(deps: AndarDeps): Andador {
  const { sql, particoes, log, pollMs = POLL_MS, clock = systemClock } = deps
  const stopping = new AbortController()
  const alarmes = Array.from({ length: particoes }, () => createAlarme(clock))
  let running: Promise<unknown> | undefined
  const andar = async (alarme: Alarme, particao: number): Promise<void> => {
    let falhas = 0
    while (!stopping.signal.aborted) {
      try {
        const tomados = await tomarPassos(sql, particao, PASSOS_MAX)
        await Promise.all(tomados.map((passo) => darPasso(deps, passo)))
        if (falhas > 0) log.info({ particao }, 'the automatic flow goes on')
        falhas = 0
        if (tomados.length < PASSOS_MAX) await alarme.esperar(pollMs, stopping.signal)
      } catch (error) {
        falhas += 1
        if (falhas === 1) log.warn({ particao, err: error }, 'the automatic flow cannot go on for now')
        const pausa = Math.min(pollMs * 2 ** Math.min(falhas, 10), BACKOFF_MAX_MS)
        await clock.delay(pausa, stopping.signal).catch(() => {})
      }
    }
  }

  return {
    start: () => {
      running ??= Promise.all(alarmes.map(andar))
    },
    wake: (particao) => alarmes[particao]?.tocar(),
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
