import { TooManyRequests, Unavailable } from '@fluxo/shared/errors'
import { createShares } from '@fluxo/shared/shares'
import type { PositionWait } from './posicao.ts'
import { unavailableIfAway } from './read-day.ts'

/** What is known of the positions that are applied. */
export type AppliedPositions = {
  /** True once `posicao` is applied, false where that took longer than `timeoutMs`. */
  waitApplied(particao: number, posicao: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<boolean>
}

/** Positions that are waited for at a time, and those of one merchant: while anybody waits, all of them are asked for each 20 ms. */
const WAITS = { max: 5_000, ownerMax: 500 }
const RETRY_AFTER_SECONDS = 1

/** Waits for positions on behalf of a merchant. Rejects with `posicao-pendente` (503) where one is not applied in time. */
export function createPositionWait(
  inbox: AppliedPositions,
): (comercianteId: string, wait: Pick<PositionWait, 'positions' | 'waitMs'>, signal: AbortSignal) => Promise<void> {
  const shares = createShares(WAITS)
  return async (comercianteId, { positions, waitMs }, signal) => {
    const count = positions.length
    if (!shares.take(comercianteId, count)) throw new TooManyRequests(RETRY_AFTER_SECONDS)
    try {
      const options = { timeoutMs: waitMs, signal }
      const waits = positions.map(({ particao, posicao }) => inbox.waitApplied(particao, posicao, options))
      if ((await Promise.all(waits)).every(Boolean)) return
    } catch (error) {
      throw unavailableIfAway(error)
    } finally {
      shares.give(comercianteId, count)
    }
    throw new Unavailable('posicao-pendente', 'O consolidado ainda não chegou à posição pedida.')
  }
}
