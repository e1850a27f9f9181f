import { type Clock, systemClock } from '@fluxo/shared/clock'
import { createGroupCommit } from '@fluxo/shared/log/group-commit'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Worker } from '@fluxo/shared/process/define-service'
import { createWokenLoop } from '@fluxo/shared/resilience/loop'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { type ClaimedDay, claimDays, pruneDays, type ReadDay, tellDays } from './day-store.ts'
import { isAway, type ReadState } from './state-client.ts'

/** A day's balance is told once in this time, at most. */
export const DAY_EVERY_MS = 60_000

/** States that one instance asks for at once, and those of one merchant. */
const UNDER_WAY_MAX = 128
const PER_COMERCIANTE_MAX = 16
/** How often it is looked for days that are due. */
const POLL_MS = 100
const PRUNE_EVERY_MS = 600_000
const PRUNE_MAX = 50_000
const SAYS = { failing: 'balances cannot be told for now', well: 'balances are told again' }

type DayTellerDeps = {
  /** A pool for single statements. */
  sql: Sql
  readState: ReadState
  /** A day is told of once in this time, at most. */
  everyMs: number
  /** Deliveries are due. */
  onDue: () => void
  log: Logger
  clock?: Clock | undefined
}

/**
 * Tells merchants of days that have changed, with the state that consolidado has then. A day without an answer is due again when its
 * claim ends; while nothing answers at all, days are taken at the pace of a loop that fails.
 */
export function createDayTeller(deps: DayTellerDeps): Worker {
  const { sql, everyMs, log, clock = systemClock } = deps
  const questions = createQuestions(deps)
  let pruneAt = clock.now() + PRUNE_EVERY_MS * clock.random()
  const prune = async (): Promise<void> => {
    if (clock.now() < pruneAt) return
    pruneAt = clock.now() + PRUNE_EVERY_MS
    await pruneDays(sql, everyMs, PRUNE_MAX)
  }
  const telling = createWokenLoop({
    turn: async (well, rest, signal) => {
      const claimed = await questions.round(signal)
      await prune()
      questions.throwIfAway()
      well()
      if (claimed === 0) await rest(POLL_MS)
    },
    says: SAYS,
    log,
    clock,
  })
  return {
    start: telling.start,
    stop: async () => {
      await telling.stop()
      await questions.idle()
    },
  }
}

/** The questions under way: takes as many days as there are places for, and notes each with its answer. */
function createQuestions({ sql, readState, everyMs, onDue, log }: DayTellerDeps) {
  const inHand = new Set<Promise<void>>()
  const underWay = new Map<string, number>()
  let away: unknown
  const told = createGroupCommit<ReadDay, true>({
    flush: async (days) => {
      if ((await tellDays(sql, days, everyMs)) > 0) onDue()
      return days.map(() => true)
    },
    keysOf: ({ comercianteId, data }) => [`${comercianteId} ${data}`],
  })
  const count = (comercianteId: string, change: number): void => {
    const sum = (underWay.get(comercianteId) ?? 0) + change
    if (sum === 0) underWay.delete(comercianteId)
    else underWay.set(comercianteId, sum)
  }
  const question = async (day: ClaimedDay, signal: AbortSignal): Promise<void> => {
    count(day.comercianteId, 1)
    try {
      await told.add({ ...day, state: await readState(day, signal) })
      away = undefined
    } catch (error) {
      // What one merchant's day is refused says nothing of the others.
      if (isAway(error)) away = error
      log.debug({ err: error }, 'a balance could not be told')
    } finally {
      count(day.comercianteId, -1)
    }
  }
  return {
    /** Takes due days; gives how many. */
    round: async (signal: AbortSignal): Promise<number> => {
      const free = UNDER_WAY_MAX - inHand.size
      if (free <= 0) return 0
      const days = await claimDays(sql, { count: free, perComerciante: PER_COMERCIANTE_MAX, underWay })
      for (const day of days) {
        const asking = question(day, signal)
        inHand.add(asking)
        void asking.finally(() => inHand.delete(asking))
      }
      return days.length
    },
    /** Throws where the last question found nobody. */
    throwIfAway: (): void => {
      if (away !== undefined) throw away
    },
    idle: async (): Promise<void> => void (await Promise.all(inHand)),
  }
}
