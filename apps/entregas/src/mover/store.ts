import { invariant } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import { createMove, type Moved } from '@fluxo/shared/log/append'
import { createLogWriter, type LogWriterSettings } from '@fluxo/shared/log/writer'
import { knownOutcome, type WriteOutcome } from '@fluxo/shared/outcome'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { changeImpressao, pedidoImpressao } from '../domain/impressao.ts'
import type { Pedido } from '../domain/pedido.ts'
import { type PedidoArrival, RECEIVE_PEDIDO, rowOfArrival } from './arrival.ts'
import { EVENTOS, type KnownPedido } from './evento-table.ts'
import { type ChangeRequest, MOVE_PEDIDO, rowOfChange } from './movement.ts'
import { type PedidoRow, pedidoFromRow } from './pedido-row.ts'

/** What became of an order that was to be received. In every conflict, `pedido` is the one that was there first. */
export type ReceiveResult = LogPosition & { pedido: Pedido } & WriteOutcome

/** What became of a change: the order after it, the order as it was known by a key, or the guard's no. */
export type MoveResult =
  | (LogPosition & { outcome: 'moved' | 'repeated' | 'key-conflict'; pedido: Pedido })
  | { outcome: 'guarded' }

export type PedidoStore = {
  /** Receives one order, together with those of concurrent callers. Rejects with `Unavailable` when the queue is full. */
  receber: (arrival: PedidoArrival) => Promise<ReceiveResult>
  /** Receives the orders of **one** merchant, each on its own merit. Answers in their order. */
  receberLote: (arrivals: readonly PedidoArrival[]) => Promise<ReceiveResult[]>
  /** Makes one change, together with those of concurrent callers. Rejects with `Unavailable` when the queue is full. */
  mover: (request: ChangeRequest) => Promise<MoveResult>
  /** Changes and orders that wait for a batch. */
  depth: () => number
  /** Resolves when everything that was taken is answered. */
  idle: () => Promise<void>
}

/** What no two orders of one statement may share: the keys by which one of them would be known. */
const keysOfArrival = ({ pedido, chave }: PedidoArrival): string[] => {
  const chaves: string[] = []
  if (chave !== undefined) chaves.push(`c ${pedido.comercianteId} ${chave}`)
  if (pedido.referencia !== undefined) chaves.push(`r ${pedido.comercianteId} ${pedido.referencia}`)
  return chaves
}

/** What no two changes of one statement may share: the order itself, and the key. */
const keysOfChange = ({ change, chave }: ChangeRequest): string[] => {
  const pedido = `p ${change.pedidoId}`
  return chave === undefined ? [pedido] : [pedido, `c ${change.comercianteId} ${chave}`]
}

/** Receives and moves orders, in the order in which the changes commit. Each answer comes after its row is durable. */
export const createPedidoStore = ({ sql, ...settings }: LogWriterSettings & { sql: Sql }): PedidoStore => {
  const common = { ...settings, name: 'order' }
  const arrivals = createLogWriter({
    ...common,
    write: createMove<KnownPedido, null>(sql, EVENTOS, RECEIVE_PEDIDO, settings.clock),
    rowOf: rowOfArrival,
    keysOf: keysOfArrival,
    comercianteOf: ({ pedido }) => pedido.comercianteId,
    traceparentOf: ({ traceparent }) => traceparent,
    resultOf: receiveResult,
  })
  const changes = createLogWriter({
    ...common,
    write: createMove<KnownPedido, PedidoRow>(sql, EVENTOS, MOVE_PEDIDO, settings.clock),
    rowOf: rowOfChange,
    keysOf: keysOfChange,
    comercianteOf: ({ change }) => change.comercianteId,
    traceparentOf: ({ traceparent }) => traceparent,
    resultOf: moveResult,
  })

  return {
    receber: arrivals.add,
    receberLote: (items) => arrivals.addAll(items),
    mover: changes.add,
    depth: () => arrivals.depth() + changes.depth(),
    idle: async () => {
      await Promise.all([arrivals.idle(), changes.idle()])
    },
  }
}

/** Reads what the log answered for an order. Throws what PostgreSQL said of a row that validation should have refused. */
const receiveResult = (item: PedidoArrival, particao: number, moved: Moved<KnownPedido, null>): ReceiveResult => {
  if (moved.outcome === 'refused') throw moved.error
  invariant(moved.outcome !== 'guarded', 'nothing guards an order that is received')
  const position = { particao, posicao: moved.posicao }
  if (moved.outcome === 'moved') return { outcome: 'created', pedido: item.pedido, ...position }
  const sameContent = moved.row.impressao === pedidoImpressao(item.pedido)
  return { ...knownOutcome(moved.via, sameContent), pedido: pedidoFromRow(moved.row.pedido), ...position }
}

const moveResult = ({ change }: ChangeRequest, particao: number, moved: Moved<KnownPedido, PedidoRow>): MoveResult => {
  switch (moved.outcome) {
    case 'refused':
      throw moved.error
    case 'guarded':
      return { outcome: 'guarded' }
    case 'moved':
      return { outcome: 'moved', pedido: pedidoFromRow(moved.state), particao, posicao: moved.posicao }
    case 'known': {
      const repeated = moved.row.impressao === changeImpressao(change)
      const pedido = pedidoFromRow(moved.row.pedido)
      return { outcome: repeated ? 'repeated' : 'key-conflict', pedido, particao, posicao: moved.posicao }
    }
  }
}
