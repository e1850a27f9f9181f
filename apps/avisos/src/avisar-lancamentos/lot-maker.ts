import type { Clock } from '@fluxo/shared/clock'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Worker } from '@fluxo/shared/process/define-service'
import { createWokenLoop } from '@fluxo/shared/resilience/loop'
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
export const createLotMaker = ({ sql, onDue, log, clock }: LotMakerDeps): Worker =>
  createWokenLoop({
    turn: async (well, rest) => {
      const { itens: items, avisos } = await makeLots(sql)
      well()
      if (avisos > 0) onDue()
      if (items === 0) await rest(POLL_MS)
    },
    says: SAYS,
    log,
    clock,
  })
