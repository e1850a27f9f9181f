import { AVISO_STATUSES } from '../../../apps/avisos/src/avisar/aviso-store.ts'
import type { Parameter, Row, Statement } from '../servers/postgres-server.ts'
import { arrayOf } from '../servers/postgres-text.ts'
import { addDelivery, hasAskedFor } from './note-statement.ts'
import type { DeliveryRow, NoticeRow, NoticesState, WebhookRow } from './notices-state.ts'

const DELIVERED = AVISO_STATUSES.indexOf('delivered')
const EXHAUSTED = AVISO_STATUSES.indexOf('exhausted')
const CANCELLED = AVISO_STATUSES.indexOf('cancelled')

/** The statements by which deliveries are taken, ended and called off. */
export const deliveryStatements = (
  state: NoticesState,
  claim = claimOf,
  awaitTurn = AWAIT_TURN,
): readonly Statement[] => [
  claim(state),
  { name: 'deliveries.note-endings', run: (parameters) => noteEndings(state, parameters) },
  { name: 'webhooks.disable', run: (parameters) => disable(state, parameters) },
  { name: 'webhooks.enable', run: (parameters) => enable(state, parameters) },
  { name: 'webhooks.turns', run: () => [...state.inbox.keys()].map((particao) => ({ particao })) },
  awaitTurn,
  catchUpOf(state),
  // A history is shorter than what is kept.
  { name: 'deliveries.prune', run: () => [] },
  { name: 'events.prune', run: () => [] },
]

/** What a statement sees: what was committed when it began, and the time then. */
type Snapshot = { commits: number; now: number }

const isLive = ({ removido_em, desativado_em }: WebhookRow): boolean => removido_em === null && desativado_em === null

const byDue = (a: { vence_em: number }, b: { vence_em: number }): number => a.vence_em - b.vence_em
type Due = DeliveryRow & { vence_em: number }
const isDue = (delivery: DeliveryRow): delivery is Due => delivery.vence_em !== null

/** What is due of each webhook, fairly: of one a few at a time, of one merchant no more than its share. */
export function dueOf(state: NoticesState, parameters: readonly Parameter[], snapshot: unknown): DeliveryRow[] {
  const [count, perWebhook, except, merchants, underWay, perMerchant] = parameters
  const { commits, now } = snapshot as Snapshot
  const counts = new Map(arrayOf(merchants).map((name, i) => [name ?? '', Number(arrayOf(underWay)[i])]))
  const resting = arrayOf(except)
  const seen = [...state.deliveries.values()].filter(isDue).filter(({ commit }) => commit <= commits)
  const first = Map.groupBy(seen.toSorted(byDue), ({ webhook_id }) => webhook_id)
  const turns = [...first].flatMap(([id, [next]]) => {
    const webhook = state.webhooks.get(id)
    if (webhook === undefined || next === undefined || !isLive(webhook)) return []
    return next.vence_em <= now && !resting.includes(id) ? [{ webhook, vence_em: next.vence_em }] : []
  })
  const shares = turns.toSorted(byDue).flatMap(({ webhook, vence_em }) => {
    const before = counts.get(webhook.comerciante_id) ?? 0
    counts.set(webhook.comerciante_id, before + Number(perWebhook))
    const left = Number(perMerchant) - before
    return left > 0 ? [{ webhook, vence_em, before, many: Math.min(Number(perWebhook), left) }] : []
  })
  return shares
    .toSorted((a, b) => a.before - b.before || byDue(a, b))
    .flatMap(({ webhook, many }) =>
      seen
        .filter((one) => one.webhook_id === webhook.id && one.vence_em <= now)
        .toSorted(byDue)
        .slice(0, many),
    )
    .slice(0, Number(count))
}

/** Takes what is due and holds it for a while: who finds it taken by another skips it. What waits for a webhook that has ended, ends. */
export function claimOf(state: NoticesState): Statement {
  return {
    name: 'deliveries.claim',
    snapshot: (): Snapshot => ({ commits: state.commits, now: state.now() }),
    run: (parameters, snapshot) => {
      const due = dueOf(state, parameters, snapshot)
      const { now, commits } = snapshot as Snapshot
      for (const delivery of state.deliveries.values()) {
        const webhook = state.webhooks.get(delivery.webhook_id)
        if (delivery.commit <= commits && webhook !== undefined && !isLive(webhook)) cancel(state, delivery)
      }
      return due.map((delivery) => {
        delivery.vence_em = now + state.heldMs
        delivery.tentativas += 1
        return claimedRow(state, delivery)
      })
    },
  }
}

function cancel(state: NoticesState, delivery: DeliveryRow): void {
  if (delivery.vence_em === null) return
  Object.assign(delivery, { vence_em: null, terminado_em: state.now(), situacao: CANCELLED })
}

export function claimedRow(state: NoticesState, delivery: DeliveryRow): Row {
  const { id, webhook_id, tipo, criado_em, passo, tentativas, devolvido_em, evento_id } = delivery
  const webhook = state.webhooks.get(webhook_id)
  return {
    ...{ id, webhook_id, tipo, passo, tentativa: tentativas, criado_em: new Date(criado_em) },
    devolvido_em: devolvido_em === null ? null : new Date(devolvido_em),
    ...{ comerciante_id: webhook?.comerciante_id, url: webhook?.url, segredo: webhook?.segredo },
    ...{ segredo_anterior: null, anterior_ate: null },
    corpo: state.notices.get(evento_id)?.corpo ?? null,
  }
}

/** Notes what came of attempts, where nobody else has taken the delivery meanwhile and it has not ended. */
function noteEndings(state: NoticesState, parameters: readonly Parameter[]): Row[] {
  const [
    ids = [],
    numbers = [],
    backs = [],
    statuses = [],
    waits = [],
    durations = [],
    codes = [],
    errors = [],
    answers = [],
    reasons = [],
  ] = parameters.map(arrayOf)
  state.commits += 1
  const now = state.now()
  const delivered = new Map<string, boolean>()
  for (const [i, id] of ids.entries()) {
    const back = backs[i] === 'true'
    const reason = reasons[i] ?? null
    const delivery = state.deliveries.get(id ?? '')
    if (delivery !== undefined && (!back || reason !== null)) {
      const { webhook_id } = delivery
      delivered.set(webhook_id, delivered.get(webhook_id) === true || Number(statuses[i]) === DELIVERED)
    }
    const wait = waits[i] ?? null
    if (delivery?.vence_em !== null && delivery?.tentativas === Number(numbers[i]))
      Object.assign(delivery, {
        vence_em: wait === null ? null : now + Number(wait),
        situacao: Number(statuses[i]),
        terminado_em: wait === null ? now : null,
        passo: delivery.passo + (back ? 0 : 1),
        tentativas: delivery.tentativas - (back ? 1 : 0),
        devolvido_em: reason === null ? delivery.devolvido_em : (delivery.devolvido_em ?? now),
        motivo: back ? (reason ?? delivery.motivo) : null,
      })
    const key = `${id} ${numbers[i]}`
    if (back || state.attempts.has(key)) continue
    state.attempts.set(key, {
      ...{ aviso_id: id ?? '', tentativa: Number(numbers[i]), em: now, duracao_ms: Number(durations[i]) },
      ...{ status: codes[i] == null ? null : Number(codes[i]), erro: errors[i] ?? null, resposta: answers[i] ?? null },
    })
  }
  for (const [id, well] of delivered) noteHealth(state, id, well)
  return []
}

const DEAD_AFTER_MS = 5 * 86_400_000
/** A webhook knows since when its receiver fails, and is disabled where that is too long. */
function noteHealth(state: NoticesState, id: string, well: boolean): void {
  const webhook = state.webhooks.get(id)
  if (webhook === undefined || webhook.desativado_em !== null) return
  const now = state.now()
  const { falhando_desde: since } = webhook
  webhook.falhando_desde = well ? null : (since ?? now)
  if (!well && since !== null && since < now - DEAD_AFTER_MS)
    Object.assign(webhook, { desativado_em: now, motivo: 'O destino falhou por 5 dias.' })
}

/** Ends a webhook, and what waits for it. */
function disable(state: NoticesState, [id, reason]: readonly Parameter[]): Row[] {
  const webhook = state.webhooks.get(String(id))
  if (webhook !== undefined && webhook.desativado_em === null)
    Object.assign(webhook, { desativado_em: state.now(), motivo: String(reason) })
  for (const delivery of state.deliveries.values()) if (delivery.webhook_id === id) cancel(state, delivery)
  return []
}

/** Waits in the line of those who note events of a partition. */
export const AWAIT_TURN: Statement = {
  name: 'webhooks.await-turn',
  lock: ([particao]) => `inbox ${particao}`,
  run: () => [],
}

/** Takes a webhook up again. */
function enable(state: NoticesState, [merchant, id]: readonly Parameter[]): Row[] {
  const webhook = state.webhooks.get(String(id))
  if (webhook?.comerciante_id !== merchant || webhook?.removido_em !== null) return []
  Object.assign(webhook, { desativado_em: null, motivo: null, falhando_desde: null })
  return [{ id }]
}

/** Makes due what a webhook did not take of the events that the statement sees, by their numbers. */
const catchUpOf = (state: NoticesState): Statement => ({
  name: 'webhooks.catch-up',
  snapshot: () => structuredClone([...state.notices.values()]),
  run: ([merchant, id, after, many], snapshot) => {
    const webhook = state.webhooks.get(String(id))
    const piece = (snapshot as NoticeRow[])
      .filter(({ comerciante_id, seq }) => comerciante_id === merchant && seq > Number(after))
      .toSorted((a, b) => a.seq - b.seq)
      .slice(0, Number(many))
    if (webhook === undefined) return [{ ultimo: null }]
    state.commits += 1
    const missed = piece.filter(({ em, tipo }) => em > webhook.desde && hasAskedFor(webhook, tipo))
    for (const { id: evento_id, tipo } of missed) makeDue(state, webhook.id, { evento_id, tipo })
    return [{ ultimo: piece.at(-1)?.seq ?? null }]
  },
})

function makeDue(state: NoticesState, webhook: string, event: Pick<DeliveryRow, 'evento_id' | 'tipo'>): void {
  const known = state.deliveries.values().find((one) => one.webhook_id === webhook && one.evento_id === event.evento_id)
  if (known === undefined) addDelivery(state, webhook, event)
  else if (known.situacao === EXHAUSTED || known.situacao === CANCELLED) {
    const again = { terminado_em: null, situacao: 0, passo: 0, devolvido_em: null, motivo: null }
    Object.assign(known, { vence_em: state.now(), ...again })
  }
}
