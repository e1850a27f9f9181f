import { type Clock, systemClock } from '@fluxo/shared/clock'
import { createGroupCommit } from '@fluxo/shared/log/group-commit'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { createWokenLoop } from '@fluxo/shared/resilience/loop'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Registry } from '@fluxo/shared/telemetry/metrics'
import type { AlvoRule } from './alvo.ts'
import { type AttemptEnd, attempt } from './attempt.ts'
import { outcomeOf } from './avisar.ts'
import { type AvisoEnding, disableWebhook, noteEndings, pruneAvisos } from './aviso-store.ts'
import { type Circuits, createCircuits } from './circuits.ts'
import { type ClaimedAviso, claimAvisos } from './claim-store.ts'
import { avisoMetrics } from './metrics.ts'
import type { WebhookPoster } from './poster.ts'
import { WAITS_MS } from './schedule.ts'
import { createAttemptSlots } from './slots.ts'

/** How webhooks are sent. */
export type SenderOptions = AlvoRule & {
  /** The wait before each attempt, in ms, instead of those of Standard Webhooks. A receiver that is unwell rests as long as the second. */
  waitsMs?: readonly number[] | undefined
  /** For tests: other waits, other name servers. */
  pollMs?: number
  restMs?: number
  limitMs?: number
  servers?: readonly string[]
}

type WebhookSenderDeps = Pick<SenderOptions, 'waitsMs' | 'pollMs' | 'restMs'> & {
  /** A pool for single statements. */
  sql: Sql
  poster: WebhookPoster
  now: () => Date
  log: Logger
  registry: Registry
  /** The simulation's: it orders time, and has no timers for circuits. */
  clock?: Clock | undefined
  circuits?: Circuits | undefined
}

type WebhookSender = {
  start: () => void
  /** Says that deliveries may be due. A hint: polling is the guarantee. */
  wake: () => void
  /** Ends after the attempts in hand, or gives them back where they take too long. */
  stop: () => Promise<void>
}

/** Attempts of one instance at once: each holds a socket and some 10 KB. */
const UNDER_WAY_MAX = 256
/** Of them one merchant's, whatever its receivers do. */
const PER_COMERCIANTE_MAX = 64
/** Taken of one webhook at a time, and the attempts of one above which no more are taken: a slow receiver holds 32 places at most. */
const PER_WEBHOOK = 16
/** Deliveries that others noted, or that are due again, are found this late at most. */
const POLL_MS = 250
/** The rest of a receiver where nothing is tried twice, and of a name that nobody resolves. */
const REST_MS = 30_000
/** Attempts in hand get this long when the instance leaves; then they are given back. */
const LEAVING_MS = 5_000
/** The log of deliveries goes back this far; what is older is deleted, this often and in pieces that hold nobody up. */
const KEPT_DAYS = 30
const PRUNE_EVERY_MS = 600_000
const PRUNE_MAX = 5_000

const SAYS = { failing: 'webhooks cannot go on for now', well: 'webhooks go on' }

/** Sends what is due: takes deliveries, posts them, and notes what came of it, many in one statement. */
export function createWebhookSender(deps: WebhookSenderDeps): WebhookSender {
  const { sql, log, clock = systemClock, pollMs = POLL_MS, waitsMs: waits = WAITS_MS } = deps
  const restMs = deps.restMs ?? waits[1] ?? REST_MS
  const attempts = createAttempts({ ...deps, clock, waits, restMs }, () => sending.wake())

  let pruneAt = clock.now() + PRUNE_EVERY_MS * clock.random()
  const prune = async (): Promise<void> => {
    if (clock.now() < pruneAt) return
    pruneAt = clock.now() + PRUNE_EVERY_MS
    await pruneAvisos(sql, { days: KEPT_DAYS, count: PRUNE_MAX })
  }
  const sending = createWokenLoop({
    turn: async (well, rest) => {
      const claimed = await attempts.round()
      await prune()
      well()
      if (claimed === 0) await rest(pollMs)
    },
    says: SAYS,
    log,
    clock,
  })
  return {
    start: sending.start,
    wake: sending.wake,
    stop: async () => {
      await sending.stop()
      await attempts.close()
    },
  }
}

type AttemptsDeps = WebhookSenderDeps & { clock: Clock; waits: readonly number[]; restMs: number }

/** The attempts under way: takes as many as there are places for, and notes what comes of each. */
function createAttempts(deps: AttemptsDeps, ring: () => void) {
  const { sql, log, registry, clock, restMs } = deps
  const circuits = deps.circuits ?? createCircuits({ registry, restMs })
  const slots = createAttemptSlots({
    totalMax: UNDER_WAY_MAX,
    comercianteMax: PER_COMERCIANTE_MAX,
    webhookMax: PER_WEBHOOK,
  })
  const metrics = avisoMetrics(registry, slots.takenCount)
  const giveUp = new AbortController()
  const inHand = new Set<Promise<void>>()
  const outcomes = createGroupCommit<AvisoEnding, true>({
    flush: async (endings) => {
      await noteEndings(sql, endings)
      return endings.map(() => true)
    },
    keysOf: ({ id }) => [id],
    clock,
  })

  const note = async ({ webhookId }: ClaimedAviso, { ending, rest }: AttemptEnd): Promise<void> => {
    if (rest) slots.rest(webhookId, clock.now() + restMs)
    metrics.observe(ending)
    if (!ending.devolver && ending.situacao === 'delivered') slots.wake(webhookId)
    await outcomes.add(ending)
    if (!ending.devolver && outcomeOf(ending) === 'disable') {
      await disableWebhook(sql, webhookId, 'O destino respondeu 410 (Gone).')
    }
  }
  const attend = async (aviso: ClaimedAviso): Promise<void> => {
    try {
      await note(aviso, await attempt({ ...deps, circuits }, aviso, giveUp.signal))
    } catch (error) {
      // What is not noted is due again when the claim ends: at least once.
      log.warn({ err: error, aviso: aviso.id }, 'an attempt of a webhook could not be noted')
    }
    if (slots.release(aviso)) ring()
  }
  return {
    round: async (): Promise<number> => {
      const count = slots.freeCount()
      if (count <= 0) return 0
      const except = slots.blockedWebhooks(clock.now())
      const claimed = await claimAvisos(sql, {
        count,
        perWebhook: PER_WEBHOOK,
        perComerciante: PER_COMERCIANTE_MAX,
        underWay: slots.perComerciante(),
        except,
      })
      for (const aviso of claimed) {
        slots.take(aviso)
        const attending = attend(aviso)
        inHand.add(attending)
        void attending.finally(() => inHand.delete(attending))
      }
      return claimed.length
    },
    close: async (): Promise<void> => {
      const cancel = clock.after(LEAVING_MS, () => giveUp.abort())
      await Promise.all(inHand)
      cancel()
      circuits.close()
    },
  }
}
