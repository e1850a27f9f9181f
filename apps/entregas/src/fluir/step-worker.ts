import type { Clock } from '@fluxo/shared/clock'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createWokenLoop } from '@fluxo/shared/resilience/loop'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { counter, type Registry } from '@fluxo/shared/telemetry/metrics'
import { isSampled, type Tracing } from '@fluxo/shared/telemetry/tracing'
import type { PedidoReadStore } from '../listar/store.ts'
import type { PedidoStore } from '../mover/store.ts'
import { changeForPasso, type Passo } from './fluir.ts'
import { claimPassos } from './passo-store.ts'

type StepWorkerDeps = {
  /** A pool for single statements. */
  sql: Sql
  store: Pick<PedidoStore, 'mover'>
  reads: Pick<PedidoReadStore, 'byId'>
  particoes: number
  newId: () => string
  now: () => Date
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  pollMs?: number
  clock?: Clock
}

type StepWorker = {
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
const SAYS = { failing: 'the automatic flow cannot go on for now', well: 'the automatic flow goes on' }

/** Makes the change that a step asks for, and shows it in the order's trace: what follows from it goes on from there. */
export async function takePasso(deps: StepWorkerDeps, passo: Passo): Promise<void> {
  const { tracing } = deps
  const { traceparent, pedidoId, versao, to } = passo
  if (tracing === undefined || traceparent === undefined || !isSampled(traceparent))
    return void (await makeChange(deps, passo))
  const span = tracing.start('flow step', { parent: traceparent, attributes: { pedidoId, versao, to } })
  try {
    const outcome = await makeChange(deps, { ...passo, traceparent: span.traceparent })
    span.end({ attributes: { desfecho: DESFECHO[outcome] } })
  } catch (error) {
    span.end({ error })
    throw error
  }
}

/** What came of a step, as metrics and traces call it. */
const DESFECHO = { taken: 'dado', lost: 'perdido' } as const

/** What came of a step: taken, or lost where somebody else has moved the order; the log says what became of that one. */
async function makeChange(deps: StepWorkerDeps, passo: Passo): Promise<'taken' | 'lost'> {
  const { store, reads, newId, now, log, registry } = deps
  const createdAt = now()
  const change = changeForPasso(passo, createdAt)
  const request = { change, eventoId: newId(), createdAt, traceparent: passo.traceparent, passo: passo.versao }
  const outcome = (await store.mover(request)).outcome === 'moved' ? 'taken' : 'lost'
  const passos = counter(registry, {
    name: 'fluxo_fluxo_passos_total',
    help: 'Steps of the automatic flow, by what came of them: dado, or perdido where somebody else had moved the order.',
    labelNames: ['desfecho'],
  })
  passos.inc({ desfecho: DESFECHO[outcome] })
  if (outcome === 'taken') return outcome
  const pedido = await reads.byId(passo.comercianteId, passo.pedidoId)
  const { pedidoId, versao, to } = passo
  const current = { status: pedido?.status, currentVersion: pedido?.version }
  log.info({ pedidoId, versao, to, ...current }, 'a step was not taken: the order has moved since it was planned')
  return outcome
}

/** Takes the steps that are due: claims them, and makes their changes in one group commit. */
export function createStepWorker(deps: StepWorkerDeps): StepWorker {
  const { sql, particoes, log, pollMs = POLL_MS, clock } = deps
  const workers = Array.from({ length: particoes }, (_, particao) =>
    createWokenLoop({
      turn: async (well, rest) => {
        const claimed = await claimPassos(sql, particao, PASSOS_MAX)
        await Promise.all(claimed.map((passo) => takePasso(deps, passo)))
        well()
        if (claimed.length < PASSOS_MAX) await rest(pollMs)
      },
      says: SAYS,
      about: { particao },
      log,
      clock,
    }),
  )
  return {
    start: () => {
      for (const worker of workers) worker.start()
    },
    wake: (particao) => workers[particao]?.wake(),
    stop: async () => {
      await Promise.all(workers.map((worker) => worker.stop()))
    },
  }
}
