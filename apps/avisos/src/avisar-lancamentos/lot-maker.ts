import { type Clock, systemClock } from '@fluxo/shared/clock'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Worker } from '@fluxo/shared/process/define-service'
import { loop } from '@fluxo/shared/resilience/loop'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { makeLots } from './lot-store.ts'

/** How often it is looked for entries that have waited long enough: what one may wait longer than a second. */
const POLL_MS = 100
const SAYS = { failing: 'entries cannot be told for now', well: 'entries are told again' }

type LotMakerDeps = {
  /** A pool for single statements. */
  sql: Sql
  /** Deliveries are due. */
  onDue: () => void
  log: Logger
  clock?: Clock | undefined
}

/** Tells merchants of their entries, by the lot. Several instances share the work, merchant by merchant. */
export function createLotMaker({ sql, onDue, log, clock = systemClock }: LotMakerDeps): Worker {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  const turn = async (well: () => void): Promise<void> => {
    const { itens: items, avisos } = await makeLots(sql)
    well()
    if (avisos > 0) onDue()
    if (items === 0) await clock.delay(POLL_MS, stopping.signal)
  }
  return {
    start: () => {
      running ??= loop({ turn, signal: stopping.signal, says: SAYS, log, clock })
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
