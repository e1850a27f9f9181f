import type { cartaMorta, inboxParticao } from '@fluxo/drizzle/consolidado/schema'
import type { Run } from '@fluxo/shared/inbox/runs'
import type { Saldo } from '../../../apps/consolidado/src/domain/saldo.ts'

/** A partition's row of an inbox. */
export type InboxRow = Omit<typeof inboxParticao.$inferSelect, 'adiante'> & { adiante: Set<number> }
/** A row of the balances. */
export type DayRow = Omit<Saldo, 'atualizadoEm'> & { atualizadoMs: number }
/** A dead letter; `pulada` once its position was passed. */
export type Letter = Omit<typeof cartaMorta.$inferSelect, 'criada_em' | 'pulada_em' | 'redirigida_em'> & {
  pulada: boolean
}
/** An event that a statement took as new. */
export type Taken = { particao: number; posicao: number; id: string | null }

export type ProjectionState = {
  inbox: Map<number, InboxRow>
  days: Map<string, DayRow>
  letters: Map<string, Letter>
  now: () => number
  /** Hears of each event whose effect has just been committed. */
  onApplied: (taken: Taken) => void
  /** Hears of each day as it has just become. */
  onDay: (day: DayRow) => void
  /** Hears of each letter that has just been committed. */
  onLetter: (letter: Letter) => void
  /** Whether the effect of an event fails whenever it is tried, as an amount beyond its column does. */
  failsInEffect: (id: string) => boolean
}

export const letterKey = (particao: number, posicao: number): string => `${particao}:${posicao}`
export const dayKey = (comercianteId: string, data: string): string => `${comercianteId} ${data}`

/** The positions beyond the watermark as runs, ascending. */
export function runsBeyond({ adiante }: InboxRow): Run[] {
  const runs: Run[] = []
  for (const posicao of [...adiante].sort((a, b) => a - b)) {
    const current = runs.at(-1)
    if (current !== undefined && posicao === current.to + 1) current.to = posicao
    else runs.push({ from: posicao, to: posicao })
  }
  return runs
}
