import { hash } from 'node:crypto'
import { type Parameter, PostgresError } from '../servers/postgres-server.ts'
import { arrayOf } from '../servers/postgres-text.ts'
import { placesOf } from '../servers/projection-database.ts'
import type { DeliveryRow, ListenerRow, NoticeRow, NoticesState, WebhookRow } from './notices-state.ts'

const DAY_MS = 86_400_000
/** Between the clocks of who recorded an event and of who keeps webhooks. */
const CLOCKS_MS = 4 * 3_600_000
const TOLD_FOR_MS = 29 * DAY_MS
const KEPT_FOR_DISABLED_MS = 7 * DAY_MS
const ORDERS = 'order.*'

/** What a statement sees: the rows that were committed when it began, and the time then. */
type Snapshot = { now: number; listeners: ListenerRow[]; webhooks: WebhookRow[]; known: ReadonlySet<string> }

/** An event of the batch as it is told. */
type Said = {
  ordem: number
  id: string
  comerciante: string
  tipo: string
  em: number
  corpo: string
  rastro: string | null
}

export type Noting = {
  snapshot: () => Snapshot
  effect: (taken: readonly number[], parameters: readonly Parameter[], snapshot: unknown) => string
}

/** Notes what is told of new events: by the snapshot who hears of them, by the listener's row, as its last holder left it, their numbers. */
export const noting = (
  state: NoticesState,
  lastOf = (comerciante: string, _: Snapshot): number => state.listeners.get(comerciante)?.ultimo ?? 0,
): Noting => ({
  snapshot: () => ({
    now: state.now(),
    listeners: structuredClone([...state.listeners.values()]),
    webhooks: structuredClone([...state.webhooks.values()]),
    known: new Set(state.notices.keys()),
  }),
  effect: (taken, parameters, snapshot) => {
    const seen = snapshot as Snapshot
    const heard = saidOf(taken, parameters).filter((said) => isHeard(said, seen))
    const fresh = heard.filter(({ id }) => !seen.known.has(id))
    const numbered = fresh.map((said) => {
      const before = fresh.filter(({ comerciante, ordem }) => comerciante === said.comerciante && ordem < said.ordem)
      return { said, seq: lastOf(said.comerciante, seen) + before.length + 1 }
    })
    for (const { said, seq } of numbered) refuseRepeated(state, said, seq)
    state.commits += 1
    for (const { said, seq } of numbered) addNotice(state, said, seq)
    return String(heard.reduce((sum, said) => sum + addDeliveries(state, said, seen), 0))
  },
})

function saidOf(taken: readonly number[], parameters: readonly Parameter[]): Said[] {
  const [merchants = [], types = [], moments = [], bodies = [], traces = []] = parameters.slice(5).map(arrayOf)
  const places = placesOf(parameters)
  return taken.map((i) => ({
    ordem: places[i]?.posicao ?? 0,
    id: places[i]?.id ?? '',
    comerciante: merchants[i] ?? '',
    tipo: types[i] ?? '',
    em: Date.parse(moments[i] ?? ''),
    corpo: bodies[i] ?? '',
    rastro: traces[i] ?? null,
  }))
}

/** Whether a webhook wants to hear of an event: it asked for its kind, and the event is not from long before. */
const wants = (said: Said, webhook: WebhookRow): boolean =>
  webhook.comerciante_id === said.comerciante &&
  webhook.removido_em === null &&
  said.em > webhook.desde - CLOCKS_MS &&
  hasAskedFor(webhook, said.tipo)

export const hasAskedFor = ({ eventos }: WebhookRow, tipo: string): boolean =>
  [tipo, ORDERS].some((kind) => (eventos ?? [ORDERS]).includes(kind))

function isHeard(said: Said, { now, listeners, webhooks }: Snapshot): boolean {
  const listener = listeners.find(({ comerciante_id }) => comerciante_id === said.comerciante)
  if (listener === undefined) return false
  if (said.em <= Math.max(listener.desde - CLOCKS_MS, now - TOLD_FOR_MS)) return false
  if (listener.escuta_ate !== null && listener.escuta_ate > now) return true
  return webhooks.some(
    (webhook) =>
      wants(said, webhook) && (webhook.desativado_em === null || webhook.desativado_em > now - KEPT_FOR_DISABLED_MS),
  )
}

/** The unique indexes, which see what the snapshot does not. */
function refuseRepeated({ notices }: NoticesState, { id, comerciante }: Said, seq: number): void {
  const taken = [...notices.values()].some((one) => one.comerciante_id === comerciante && one.seq === seq)
  if (taken || notices.has(id)) throw new PostgresError('23505', 'duplicate key value violates unique constraint')
}

function addNotice(
  state: NoticesState,
  { id, comerciante, tipo, em, corpo, rastro: traceparent }: Said,
  seq: number,
): void {
  const row: NoticeRow = {
    ...{ id, seq, em, tipo, corpo, rastro: traceparent },
    comerciante_id: comerciante,
    criado_em: state.now(),
  }
  const listener = state.listeners.get(comerciante)
  if (listener !== undefined) listener.ultimo = seq
  state.notices.set(id, row)
  state.onNotice(row)
}

function addDeliveries(state: NoticesState, said: Said, { webhooks }: Snapshot): number {
  const due = webhooks.filter((webhook) => webhook.desativado_em === null && wants(said, webhook))
  const fresh = due.filter(
    ({ id }) => ![...state.deliveries.values()].some((one) => one.webhook_id === id && one.evento_id === said.id),
  )
  for (const { id } of fresh) addDelivery(state, id, { evento_id: said.id, tipo: said.tipo })
  return fresh.length
}

export function addDelivery(
  state: NoticesState,
  webhook: string,
  { evento_id, tipo }: Pick<DeliveryRow, 'evento_id' | 'tipo'>,
): void {
  const id = deliveryId(webhook, evento_id)
  state.deliveries.set(id, {
    ...{ id, webhook_id: webhook, evento_id, tipo, vence_em: state.now(), criado_em: state.now() },
    ...{ terminado_em: null, passo: 0, tentativas: 0, situacao: 0, devolvido_em: null, motivo: null },
    commit: state.commits,
  })
}

/** The id of a delivery: made of webhook and event, as a UUID of version 8. */
function deliveryId(webhook: string, event: string): string {
  const digits = hash('md5', webhook + event)
  const all = `${digits.slice(0, 12)}8${digits.slice(13, 16)}a${digits.slice(17)}`
  return [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join('-')
}
