import { CLAIM } from '../../../apps/entregas/src/fluir/passo-store.ts'
import { logStatements } from '../servers/ledger-database.ts'
import { type Parameter, PostgresError, type Row, type Statement } from '../servers/postgres-server.ts'
import { arrayOf } from '../servers/postgres-text.ts'
import { inboxStatements } from '../servers/projection-readings.ts'
import { applyStatements } from './follower-statements.ts'
import { moveOf, receiveOf, shown } from './move-statements.ts'
import { type EventRow, type OrdersState, type StepRow, stepKey } from './orders-state.ts'

/** Whose orders the automatic flow can never plan: its effect fails on each of their events, as on a value beyond its column. */
export const POISONED_MERCHANT = 'loja-veneno'
const OUT_OF_RANGE = '22003'

/** Statements that a planted bug gives another meaning, and what the database says of an effect that fails. */
export type OrdersMeanings = {
  move?: (state: OrdersState) => Statement
  take?: (state: OrdersState) => Statement
  refusal?: string
}

/** Every statement of the service `entregas` that the simulation runs, over its tables. */
export function ordersStatements(state: OrdersState, meanings: OrdersMeanings = {}): readonly Statement[] {
  return [
    receiveOf(state),
    (meanings.move ?? moveOf)(state),
    (meanings.take ?? takeOf)(state),
    ...applyStatements({ ...state, group: 'entregas', apply: planning(state, meanings) }),
    ...inboxStatements(state),
    ...logStatements(state),
    ...readings(state),
  ]
}

/** What a statement sees: what was committed when it began, and the time then. */
type Snapshot = { commits: number; now: number }

/** Plans the steps of new events: where the snapshot, older than the inbox's lock, sees the order at the event's version. */
const planning = (state: OrdersState, { refusal = OUT_OF_RANGE }: OrdersMeanings) => ({
  snapshot: () => ({ commits: state.commits, now: state.now() }),
  effect: (taken: readonly number[], parameters: readonly Parameter[], snapshot: unknown): string => {
    const [orders = [], merchants = [], seqs = [], from = [], to = [], recorded = [], delays = [], traces = []] =
      parameters.slice(5).map(arrayOf)
    const seenAt = snapshot as Snapshot
    if (taken.some((i) => merchants[i] === POISONED_MERCHANT)) throw new PostgresError(refusal, 'out of range')
    state.commits += 1
    let planned = 0
    for (const i of taken) {
      const pedidoId = orders[i] ?? ''
      const step: StepRow = {
        commit: state.commits,
        particao: Number(parameters[0]),
        pedido_id: pedidoId,
        comerciante_id: merchants[i] ?? '',
        versao: Number(seqs[i]),
        de: Number(from[i]),
        para: Number(to[i]),
        vence_em: Math.min(Date.parse(recorded[i] ?? ''), seenAt.now) + Number(delays[i]),
        rastro: traces[i] ?? null,
      }
      const seen = state.events.filter((event) => event.pedido_id === pedidoId && event.commit <= seenAt.commits)
      if (to[i] === null || seen.length !== step.versao || state.steps.has(stepKey(step))) continue
      state.steps.set(stepKey(step), step)
      planned += 1
    }
    return String(planned)
  },
})

/** For how long a step is held, as the statement says. */
const HELD_MS = Number(/interval '(\d+) milliseconds'/.exec(CLAIM.text)?.[1])

/** The steps that are due by the snapshot and its time, and are still there and due when it commits; by when they were due. */
export function dueOf(state: OrdersState, [particao, limit]: readonly Parameter[], snapshot: unknown): StepRow[] {
  const { commits, now } = snapshot as Snapshot
  return [...state.steps.values()]
    .filter((step) => step.particao === Number(particao) && step.commit <= commits && step.vence_em <= now)
    .sort((a, b) => a.vence_em - b.vence_em)
    .slice(0, Number(limit))
}

/** A row that two of them want is only taken by one: the others skip it, or find it due later. */
export function takeOf(state: OrdersState): Statement {
  return {
    name: CLAIM.name,
    snapshot: () => ({ commits: state.commits, now: state.now() }),
    run: (parameters, snapshot) => {
      const due = dueOf(state, parameters, snapshot)
      const until = (snapshot as Snapshot).now + HELD_MS
      for (const step of due) state.steps.set(stepKey(step), { ...step, vence_em: until })
      return due.map(takenRow)
    },
  }
}

export const takenRow = ({ pedido_id, comerciante_id, versao, de, para, rastro: traceparent }: StepRow): Row => ({
  pedido_id,
  comerciante_id,
  versao,
  de,
  para,
  rastro: traceparent,
})

function readings(state: OrdersState): readonly Statement[] {
  const { orders, events, epoca } = state
  return [
    {
      name: 'orders.page',
      run: ([particao, after, limit]) =>
        events
          .filter((event) => event.particao === Number(particao) && event.posicao > Number(after))
          .sort((a, b) => a.posicao - b.posicao)
          .slice(0, Number(limit))
          .map((event) => ({ ...told(event), epoca })),
    },
    {
      name: 'orders.by-id',
      run: ([merchant, id]) => {
        const order = orders.get(String(id))
        return order === undefined || order.comerciante_id !== merchant ? [] : [shown(order)]
      },
    },
    {
      name: 'orders.by-key',
      run: ([merchant, chave]) =>
        events
          .filter((event) => event.comerciante_id === merchant && event.chave === chave)
          .map((event) => ({
            pedido_id: event.pedido_id,
            impressao: event.impressao?.slice(2) ?? null,
            particao: event.particao,
            posicao: event.posicao,
          })),
    },
  ]
}

/** What a page tells of an event. */
const told = ({ commit: _, particao: __, referencia: ___, chave: ____, impressao: _____, ...event }: EventRow) => event
