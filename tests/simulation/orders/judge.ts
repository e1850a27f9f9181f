import { dayInSaoPaulo } from '@fluxo/shared/day'
import { type Status, statusOfCode } from '../../../apps/entregas/src/domain/status.ts'
import type { LedgerEntry } from '../servers/ledger-database.ts'
import { letterKey } from '../servers/projection-state.ts'
import { changeKeyOf, customerNameOf } from './model.ts'
import { POISONED_MERCHANT } from './orders-database.ts'
import type { EventRow } from './orders-state.ts'
import type { World } from './world.ts'

/** The machine as the contract draws it. */
const ARROWS: Readonly<Partial<Record<Status, readonly Status[]>>> = {
  RECEIVED: ['SEPARATED', 'IN_TRANSIT', 'CANCELLED'],
  SEPARATED: ['IN_TRANSIT', 'CANCELLED'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'DELIVERED', 'LOST', 'DAMAGED'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'DELIVERY_FAILED', 'LOST', 'DAMAGED'],
  DELIVERY_FAILED: ['OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'RETURNING'],
  AVAILABLE_FOR_PICKUP: ['DELIVERED', 'RETURNING'],
  RETURNING: ['RETURNED', 'LOST', 'DAMAGED'],
}
/** From where a cancellation turns the parcel back. */
const TURNS_BACK: readonly Status[] = [
  ...(['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP', 'DELIVERED'] as const),
]
const ATTEMPTS_MAX = 3

/** Judges orders, steps and money, once everything is at rest. */
export function judge(world: World): void {
  judgePositions(world)
  judgeRequests(world)
  for (const order of world.orders.orders.values()) {
    const history = world.orders.events.filter(({ pedido_id }) => pedido_id === order.id)
    for (const wrong of failuresOf(world, history)) world.model.complain(`order ${order.id}: ${wrong}`)
    const last = history.at(-1)
    if (last?.status !== order.status || history.length !== order.version)
      world.model.complain(`order ${order.id} is ${order.status}, version ${order.version}, its history says otherwise`)
    // The flow takes an order from either of them, whoever brought it there.
    const status = statusOfCode(order.status)
    const planned = order.comerciante_id !== POISONED_MERCHANT
    if (planned && (status === 'RECEIVED' || status === 'IN_TRANSIT'))
      world.model.complain(`order ${order.id} was forgotten in ${status}`)
  }
  judgeMoney(world)
  for (const { particao, posicao, comerciante_id } of world.orders.events) {
    if (comerciante_id !== POISONED_MERCHANT || world.orders.letters.get(letterKey(particao, posicao))?.pulada) continue
    world.model.complain(`${particao}:${posicao} is poison for the flow and has no letter`)
  }
}

function judgePositions({ orders, plan, model }: World): void {
  for (let particao = 0; particao < plan.particoes; particao += 1) {
    const posicoes = orders.events.filter((event) => event.particao === particao).map(({ posicao }) => posicao)
    const whole = posicoes.sort((a, b) => a - b).every((posicao, i) => posicao === i + 1)
    if (!whole || posicoes.length !== orders.ultima[particao])
      model.complain(`partition ${particao} counts to ${orders.ultima[particao]} and has ${posicoes.join(' ')}`)
  }
}

function judgeRequests({ plan, orders, model }: World): void {
  for (const { id } of plan.orders) {
    const made = [...orders.orders.values()].filter((order) => order.customer_name === customerNameOf(id))
    if (made.length > 1) model.complain(`order ${id} is there ${made.length} times`)
    if (made.length === 0 && model.orderOf(id) !== undefined)
      model.complain(`order ${id} was accepted and is not there`)
  }
  for (const { id } of plan.changes) {
    const chave = changeKeyOf(id)
    const times = orders.events.filter((event) => event.chave === chave).length
    if (times > 1) model.complain(`${chave} was made ${times} times`)
    if (times === 0 && model.changes.has(chave)) model.complain(`${chave} was answered and is not in the history`)
  }
}

/** What is wrong with a history, by the contract alone. */
function failuresOf({ plan }: World, history: readonly EventRow[]): string[] {
  let failed = 0
  return history.flatMap((event, i) => {
    const before = history[i - 1]
    const to = statusOfCode(event.status)
    if (event.seq !== i + 1) return [`seq ${event.seq} at place ${i + 1}`]
    if (before === undefined) return to === 'RECEIVED' ? [] : [`begins with ${to}`]
    const from = statusOfCode(before.status)
    const step = `${from} → ${to} (${event.source}, seq ${event.seq})`
    if (event.anterior !== before.status) return [`${step} says that it came from elsewhere`]
    if (from === 'DELIVERY_FAILED' && to === 'OUT_FOR_DELIVERY' && failed >= ATTEMPTS_MAX) return [`${step}: too often`]
    if (to === 'DELIVERY_FAILED') failed += 1
    const flows = event.source === 'fluxo'
    if (flows && event.created_at - before.created_at < plan.delayMs) return [`${step} came before its time`]
    const back = !flows && to === 'RETURNING' && TURNS_BACK.includes(from)
    return back || ARROWS[from]?.includes(to) ? [] : [step]
  })
}

/** Each paid delivery is in the books once, each return of one has reversed it once, and nothing else is there. */
function judgeMoney({ orders, ledger, model }: World): void {
  const expected = new Map<string, string>()
  for (const event of orders.events) {
    const status = statusOfCode(event.status)
    if (event.valor === null || event.entregas === 0 || (status !== 'DELIVERED' && status !== 'RETURNED')) continue
    const [tipo, what] = status === 'DELIVERED' ? [1, 'entregue'] : [-1, 'devolvido']
    const day = dayInSaoPaulo(new Date(event.occurred_at))
    expected.set(`Pedido ${event.pedido_id} ${what}`, `${event.comerciante_id} ${tipo} ${event.valor} ${day}`)
  }
  const booked = new Set<string>()
  for (const entry of ledger.entries) {
    const { descricao } = entry
    if (booked.has(descricao)) model.complain(`"${descricao}" is in the books twice`)
    booked.add(descricao)
    if (expected.get(descricao) !== shownOf(entry))
      model.complain(`"${descricao}" is in the books and not so in the orders`)
    if (entry.tipo > 0) continue
    const original = ledger.entries.find(({ id }) => id === entry.estorna)
    if (original?.descricao !== descricao.replace('devolvido', 'entregue'))
      model.complain(`"${descricao}" reverses another`)
  }
  for (const what of expected.keys()) if (!booked.has(what)) model.complain(`"${what}" is not in the books`)
}

const shownOf = ({ comerciante_id, tipo, valor, data }: LedgerEntry): string =>
  `${comerciante_id} ${tipo > 0 ? 1 : -1} ${valor} ${data}`
