import type { aviso, avisoTentativa, evento, ouvinte, webhook } from '@fluxo/drizzle/avisos/schema'
import type { Answered } from '@fluxo/shared/log/log-table'
import type { InboxRow, Letter } from '../servers/projection-state.ts'

/** Rows with the number of the statement that made them. */
type Made<Row> = Answered<Row> & { commit: number }
export type ListenerRow = Made<typeof ouvinte.$inferSelect>
export type NoticeRow = Answered<typeof evento.$inferSelect>
export type WebhookRow = Made<Omit<typeof webhook.$inferSelect, 'segredo_anterior' | 'anterior_ate'>>
export type DeliveryRow = Made<typeof aviso.$inferSelect>
type AttemptRow = Answered<typeof avisoTentativa.$inferSelect>

/** An event that was noted as new. */
type Noted = { group: string; particao: number; posicao: number; id: string | null }

/** The tables of `avisos`, by their keys. */
type Tables = {
  listeners: Map<string, ListenerRow>
  /** By the event's id. */
  notices: Map<string, NoticeRow>
  webhooks: Map<string, WebhookRow>
  deliveries: Map<string, DeliveryRow>
  attempts: Map<string, AttemptRow>
  inbox: Map<number, InboxRow>
  letters: Map<string, Letter>
}

export type NoticesState = Tables & {
  /** Statements committed so far. */
  commits: number
  /** The server's clock, in milliseconds of the day's calendar. */
  now: () => number
  /** For how long a delivery that was taken is held. */
  heldMs: number
  /** Hears of each event as it is noted for a merchant, */
  onNotice: (notice: NoticeRow) => void
  /** of each position that was followed, */
  onFollowed: (noted: Noted) => void
  /** and of each event that was set aside. */
  onLetter: (group: string, letter: Letter) => void
}

const emptyTables = (): Tables => ({
  listeners: new Map(),
  notices: new Map(),
  webhooks: new Map(),
  deliveries: new Map(),
  attempts: new Map(),
  inbox: new Map(),
  letters: new Map(),
})

export const emptyNotices = (
  given: Pick<NoticesState, 'now' | 'heldMs' | 'onNotice' | 'onFollowed' | 'onLetter'>,
): NoticesState => ({ ...given, ...emptyTables(), commits: 0 })

/** A backup of the tables: `keep` takes it, `restore` makes them again what they were then. */
export function createBackup(state: NoticesState, onRestore: () => void) {
  let kept = emptyTables()
  return {
    keep: (): void => {
      const { listeners, notices, webhooks, deliveries, attempts, inbox, letters } = state
      kept = structuredClone({ listeners, notices, webhooks, deliveries, attempts, inbox, letters })
    },
    restore: (): void => {
      const tables: [Map<unknown, unknown>, Map<unknown, unknown>][] = [
        [state.listeners, kept.listeners],
        [state.notices, kept.notices],
        [state.webhooks, kept.webhooks],
        [state.deliveries, kept.deliveries],
        [state.attempts, kept.attempts],
        [state.inbox, kept.inbox],
        [state.letters, kept.letters],
      ]
      for (const [table, rows] of tables) {
        table.clear()
        for (const [key, row] of structuredClone(rows)) table.set(key, row)
      }
      onRestore()
    },
  }
}

/** What a merchant that asks for a webhook leaves behind: the webhook, and that somebody hears of this merchant. */
export function addWebhook(
  state: NoticesState,
  asked: Pick<WebhookRow, 'id' | 'comerciante_id' | 'url' | 'eventos'> & { desde?: number },
): void {
  const now = state.now()
  const desde = asked.desde ?? now
  state.commits += 1
  const { commits: commit } = state
  const { comerciante_id } = asked
  if (!state.listeners.has(comerciante_id))
    state.listeners.set(comerciante_id, { comerciante_id, ultimo: 0, desde, escuta_ate: null, commit })
  state.webhooks.set(asked.id, {
    ...asked,
    ...{ segredo: SECRET, desde, criado_em: now, vaga: state.webhooks.size, commit },
    ...{ falhando_desde: null, desativado_em: null, motivo: null, removido_em: null },
  })
}

/** 32 zero bytes: nobody looks at signatures here. */
export const SECRET = `whsec_${'A'.repeat(43)}=`

const UUID_DIGITS = 12
export const uuid = (number: number): string => `01a1fbc4-0000-7000-8000-${String(number).padStart(UUID_DIGITS, '0')}`
/** The id of a plan's webhook. */
export const hookId = (hook: number): string => uuid(900_000 + hook)
