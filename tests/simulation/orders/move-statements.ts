import { statusCode, TENTATIVAS_MAX } from '../../../apps/entregas/src/domain/status.ts'
import { CHANGE, CORRECTION } from '../../../apps/entregas/src/mover/evento-table.ts'
import { type Parameter, PostgresError, type Row, type Statement } from '../servers/postgres-server.ts'
import type { EventRow, OrderRow, OrdersState } from './orders-state.ts'

type Keys = Pick<EventRow, 'id' | 'comerciante_id' | 'chave' | 'referencia'>

/** A row of a batch, as `linhaDoRecebimento` or `linhaDaMudanca` writes it. */
export type Asked = Keys &
  Pick<
    EventRow,
    'pedido_id' | 'especie' | 'informado' | 'reason' | 'note' | 'location' | 'actor' | 'source' | 'codigo'
  > &
  Pick<EventRow, 'impressao' | 'rastro' | 'valor'> & {
    ordem: number
    occurred_at: string
    created_at: string
    customer_name: string
    address: string
    para: number | null
    de: number
    versao: number | null
    passo: number | null
  }

type Known = { via: 'chave' | 'referencia'; event: EventRow }

/** The rows of a batch; what one does not say is null. */
const rowsOf = ([batch]: readonly Parameter[]): Asked[] =>
  JSON.parse(String(batch)).map((row: Partial<Asked>) => ({ ...SILENT_ROW, ...row }))

const SILENT_ROW = {
  ...{ informado: null, reason: null, note: null, location: null, codigo: null, referencia: null, chave: null },
  ...{ impressao: null, rastro: null, valor: null, para: null, versao: null, passo: null, especie: CHANGE },
} as const

const sameKey = (via: Known['via'], a: Keys, b: Keys): boolean =>
  a[via] !== null && a[via] === b[via] && a.comerciante_id === b.comerciante_id

/** For each row the event by which it is known, among those committed up to `commit`. */
function knownOf({ events }: OrdersState, rows: readonly Asked[], commit: number): (Known | undefined)[] {
  return rows.map((row) => {
    for (const via of ['chave', 'referencia'] as const) {
      const event = events.find((one) => one.commit <= commit && sameKey(via, one, row))
      if (event !== undefined) return { via, event }
    }
    return undefined
  })
}

/** The unique indexes, which see what the snapshot does not. */
function refuseRepeated({ events }: OrdersState, rows: readonly Asked[]): void {
  const isThere = (row: Asked): boolean =>
    events.some((one) => sameKey('chave', one, row) || sameKey('referencia', one, row))
  if (rows.some(isThere)) throw repeated()
}

const repeated = (): PostgresError => new PostgresError('23505', 'duplicate key value violates unique constraint')

/** An order as `PEDIDO_JSON` shows it. */
export const shown = ({ commit: _, entregas: __, entregue_em: ___, ...order }: OrderRow) => order

const unknownLine = { posicao: null, via: null, conhecido: null, depois: null }

function knownLine({ orders }: OrdersState, index: number, { via, event }: Known): Row {
  const order = orders.get(event.pedido_id)
  const pedido = order === undefined ? null : shown(order)
  const knownRow = { ordem: index, via, posicao: event.posicao, pedido, impressao: event.impressao?.slice(2) ?? null }
  return { ...unknownLine, ordem: index, via, conhecido: knownRow }
}

/** What a statement of the log does with a batch: `moves` decides which rows are let in, and what becomes of their orders. */
type Moving = {
  name: string
  /** Whether it answers with the order after the move. */
  tells: boolean
  moves: (state: OrdersState, fresh: readonly Asked[], snapshot: number) => { row: Asked; order: OrderRow }[]
  /** What happens beside it, in the same commit. */
  also?: (state: OrdersState, fresh: readonly Asked[], moved: ReadonlySet<Asked>, snapshot: number) => void
}

/** Known rows by the snapshot; then the counter's lock, the state as its last holder left it, and the positions. */
const moving = (state: OrdersState, { name, tells, moves, also }: Moving): Statement => ({
  name,
  snapshot: () => state.commits,
  lock: (parameters, snapshot) => {
    const known = knownOf(state, rowsOf(parameters), Number(snapshot))
    return known.every((one) => one !== undefined) ? undefined : `posicao ${parameters[1]}`
  },
  run: (parameters, snapshot) => {
    const particao = Number(parameters[1])
    const rows = rowsOf(parameters)
    const known = knownOf(state, rows, Number(snapshot))
    const fresh = rows.filter((_, i) => known[i] === undefined)
    const moved = moves(state, fresh, Number(snapshot))
    refuseRepeated(
      state,
      moved.map(({ row }) => row),
    )
    state.commits += 1
    also?.(state, fresh, new Set(moved.map(({ row }) => row)), Number(snapshot))
    const base = state.ultima[particao] ?? 0
    state.ultima[particao] = base + moved.length
    const places = new Map<number, Row>()
    for (const [i, { row, order }] of moved.entries()) {
      state.orders.set(order.id, order)
      const posicao = base + i + 1
      const event = eventOf(row, order, { particao, posicao, commit: state.commits })
      state.events.push(event)
      state.onEvent(event)
      places.set(row.ordem, {
        ...unknownLine,
        ordem: row.ordem,
        posicao,
        depois: tells ? shown(order) : null,
      })
    }
    return rows.map((row, i) => {
      const found = known[i]
      if (found !== undefined) return knownLine(state, row.ordem, found)
      return places.get(row.ordem) ?? { ...unknownLine, ordem: row.ordem }
    })
  },
})

function eventOf(row: Asked, order: OrderRow, place: Pick<EventRow, 'particao' | 'posicao' | 'commit'>): EventRow {
  return {
    ...place,
    id: row.id,
    pedido_id: row.pedido_id,
    comerciante_id: row.comerciante_id,
    seq: order.version,
    especie: row.especie,
    status: order.status,
    anterior: row.para === null && order.version > 1 ? order.status : order.anterior,
    informado: row.informado,
    tentativas: order.tentativas,
    entregas: order.entregas,
    valor: order.valor,
    reason: row.reason,
    note: row.note,
    location: row.location,
    actor: row.actor,
    source: row.source,
    codigo: row.codigo,
    referencia: row.referencia,
    chave: row.chave,
    impressao: row.impressao,
    rastro: row.rastro,
    occurred_at: Date.parse(row.occurred_at),
    created_at: Date.parse(row.created_at),
    entregue_em: order.entregue_em,
  }
}

/** Receives orders: each gets its row and its first event. */
export const receiveOf = (state: OrdersState): Statement =>
  moving(state, {
    name: 'orders.receive',
    tells: false,
    moves: ({ commits, orders }, fresh) => {
      if (fresh.some((row) => orders.has(row.pedido_id))) throw repeated()
      return fresh.map((row) => ({ row, order: receivedOf(row, commits + 1) }))
    },
  })

const receivedOf = (row: Asked, commit: number): OrderRow => ({
  commit,
  id: row.pedido_id,
  comerciante_id: row.comerciante_id,
  customer_name: row.customer_name,
  address: row.address,
  valor: row.valor,
  referencia: row.referencia,
  status: 0,
  anterior: null,
  version: 1,
  tentativas: 0,
  entregas: 0,
  entregue_em: null,
  corrigivel: false,
  ocorrido_em: Date.parse(row.occurred_at),
  created_at: Date.parse(row.created_at),
  updated_at: Date.parse(row.created_at),
})

const DELIVERY_FAILED = statusCode('DELIVERY_FAILED')
const OUT_FOR_DELIVERY = statusCode('OUT_FOR_DELIVERY')
const DELIVERED = statusCode('DELIVERED')

/** Whether the guard lets a change in. */
export function guards(order: OrderRow, row: Asked): boolean {
  const tired =
    row.source === 'api' &&
    row.para === OUT_FOR_DELIVERY &&
    order.status === DELIVERY_FAILED &&
    order.tentativas >= TENTATIVAS_MAX
  return (row.versao === null || order.version === row.versao) && (row.de & (1 << order.status)) !== 0 && !tired
}

/** Which order a change finds: `current` as the lock's last holder left it, and whether the snapshot sees it at all. */
export type Guard = (current: OrderRow, row: Asked, state: OrdersState, snapshot: number) => boolean

/** Moves orders: only those that the snapshot sees, by the guard over the row as it is after the wait. */
export const moveOf = (state: OrdersState, guard: Guard = guards): Statement =>
  moving(state, {
    name: 'orders.move',
    tells: true,
    moves: ({ orders }, fresh, snapshot) =>
      fresh.flatMap((row) => {
        const order = orders.get(row.pedido_id)
        const found = order !== undefined && order.commit <= snapshot && order.comerciante_id === row.comerciante_id
        return found && guard(order, row, state, snapshot) ? [{ row, order: movedOf(order, row) }] : []
      }),
    also: ({ steps }, fresh, moved, snapshot) => {
      for (const row of fresh) {
        for (const [key, step] of steps) {
          if (step.pedido_id !== row.pedido_id || step.commit > snapshot) continue
          if (moved.has(row) || step.versao === row.passo) steps.delete(key)
        }
      }
    },
  })

function movedOf(order: OrderRow, row: Asked): OrderRow {
  const { para: to } = row
  const changes = row.especie === CHANGE
  const failed = changes && to === DELIVERY_FAILED ? 1 : 0
  const takenBack = row.especie === CORRECTION && order.status === DELIVERY_FAILED ? 1 : 0
  const delivered = changes && to === DELIVERED
  const occurredMs = Date.parse(row.occurred_at)
  return {
    ...order,
    status: to ?? order.status,
    anterior: to === null ? order.anterior : order.status,
    version: order.version + 1,
    tentativas: order.tentativas + failed - takenBack,
    entregas: order.entregas + (delivered ? 1 : 0),
    entregue_em: delivered ? occurredMs : order.entregue_em,
    corrigivel: to === null ? order.corrigivel : changes && row.source === 'correios',
    ocorrido_em: to === null ? order.ocorrido_em : occurredMs,
    updated_at: Date.parse(row.created_at),
  }
}
