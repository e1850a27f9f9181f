import type { evento, passo, pedido } from '@fluxo/drizzle/entregas/schema'
import type { Answered } from '@fluxo/shared/log/log-table'
import type { EventoRow } from '../../../apps/entregas/src/mover/evento-table.ts'
import type { InboxRow, Letter } from '../servers/projection-state.ts'

/** A row of `pedido`; `commit` is the statement that made it. */
export type OrderRow = Answered<typeof pedido.$inferSelect> & { commit: number }

/** A row of `evento`, as a page of the log reads it, with its keys. */
export type EventRow = EventoRow &
  Answered<Pick<typeof evento.$inferSelect, 'particao' | 'referencia' | 'chave' | 'impressao'>> & { commit: number }

/** A row of `passo`: a step that is due at `vence_em`. */
export type StepRow = Answered<typeof passo.$inferSelect> & { commit: number }

/** An event that a follower took as new: `group` names the follower. */
export type Followed = { group: string; particao: number; posicao: number; id: string | null }

/** The tables of `entregas`. */
export type OrdersState = {
  orders: Map<string, OrderRow>
  events: EventRow[]
  steps: Map<string, StepRow>
  inbox: Map<number, InboxRow>
  letters: Map<string, Letter>
  /** Per partition: the counter's row, and the relay's cursor. */
  ultima: number[]
  cursor: number[]
  /** Statements committed so far. */
  commits: number
  epoca: string
  /** The server's clock, in milliseconds of the day's calendar. */
  now: () => number
  /** Hears of each event that has just been committed, */
  onEvent: (event: EventRow) => void
  /** of each that a follower has just noted, */
  onFollowed: (followed: Followed) => void
  /** and of each that one has set aside. */
  onLetter: (group: string, letter: Letter) => void
}

export const stepKey = ({ pedido_id, versao }: Pick<StepRow, 'pedido_id' | 'versao'>): string =>
  `${pedido_id} ${versao}`

/** The tables before anything happened. */
export function emptyOrders(
  given: Pick<OrdersState, 'epoca' | 'now' | 'onEvent' | 'onFollowed' | 'onLetter'> & { particoes: number },
): OrdersState {
  const zeros = (): number[] => Array.from({ length: given.particoes }, () => 0)
  return {
    ...given,
    orders: new Map(),
    events: [],
    steps: new Map(),
    inbox: new Map(),
    letters: new Map(),
    ultima: zeros(),
    cursor: zeros(),
    commits: 0,
  }
}
