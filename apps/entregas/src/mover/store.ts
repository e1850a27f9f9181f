import type { Clock } from '@fluxo/shared/clock'
import { invariant } from '@fluxo/shared/errors'
import type { LogPosition } from '@fluxo/shared/http/posicao'
import { createMove, type Move, type Moved, rounds } from '@fluxo/shared/log/append'
import { createCommitTrace } from '@fluxo/shared/log/commit-trace'
import { createGroupCommit } from '@fluxo/shared/log/group-commit'
import type { LogRow } from '@fluxo/shared/log/log-table'
import { particaoOf } from '@fluxo/shared/log/particao-of'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { changeImpressao, pedidoImpressao } from '../domain/impressao.ts'
import type { Pedido } from '../domain/pedido.ts'
import { type PedidoArrival, RECEIVE_PEDIDO, rowOfArrival } from './arrival.ts'
import { EVENTOS, type KnownPedido } from './evento-table.ts'
import { type ChangeRequest, MOVE_PEDIDO, rowOfChange } from './movement.ts'
import { type PedidoRow, pedidoFromRow } from './pedido-row.ts'

/** What became of an order that was to be received. In every conflict, `pedido` is the one that was there first. */
export type ReceiveResult = LogPosition & { pedido: Pedido } & (
    | { outcome: 'created' }
    | { outcome: 'repeated' }
    | { outcome: 'key-conflict' }
    /** `sameContent`: whether the order that has this `referencia` says the very same. */
    | { outcome: 'reference-conflict'; sameContent: boolean }
  )

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

type PedidoStoreOptions = {
  sql: Sql
  particoes: number
  /** Hears of each commit, so that the relay need not wait for its next look. */
  onCommit: (particao: number) => void
  /** Hears of each group commit's size. */
  onBatch?: (rows: number) => void
  /** Hears of each item that a full queue turns away. */
  onRefused?: () => void
  tracing?: Tracing | undefined
  clock?: Clock
}

/** Rows of one statement of a file: single orders of other callers get their turn in between. */
const BATCH_STATEMENT_ROWS = 500

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
export const createPedidoStore = (options: PedidoStoreOptions): PedidoStore => {
  const { sql, particoes, onCommit, onBatch, onRefused, clock } = options
  const trace = createCommitTrace(options.tracing, 'order')
  const receber = createMove<KnownPedido, null>(sql, EVENTOS, RECEIVE_PEDIDO, clock)
  const mover = createMove<KnownPedido, PedidoRow>(sql, EVENTOS, MOVE_PEDIDO, clock)
  const hears = { ...(onBatch && { onBatch }), ...(onRefused && { onRefused }), ...(clock && { clock }) }

  const flush = async <State>(move: Move<KnownPedido, State>, particao: number, rows: readonly LogRow[]) => {
    const traceparents = rows.map(({ rastro: traceparent }) =>
      typeof traceparent === 'string' ? traceparent : undefined,
    )
    const moved = await trace.statement(particao, traceparents, () => move(particao, rows))
    onCommit(particao)
    return moved
  }
  const groups = Array.from({ length: particoes }, (_, particao) => ({
    arrivals: createGroupCommit<PedidoArrival, Moved<KnownPedido, null>>({
      flush: (items) => flush(receber, particao, items.map(rowOfArrival)),
      keysOf: keysOfArrival,
      ownerOf: ({ pedido }) => pedido.comercianteId,
      ...hears,
    }),
    changes: createGroupCommit<ChangeRequest, Moved<KnownPedido, PedidoRow>>({
      flush: (items) => flush(mover, particao, items.map(rowOfChange)),
      keysOf: keysOfChange,
      ownerOf: ({ change }) => change.comercianteId,
      ...hears,
    }),
  }))
  const all = groups.flatMap(({ arrivals, changes }) => [arrivals, changes])
  const groupOf = (comercianteId: string) => {
    const particao = particaoOf(comercianteId, particoes)
    const found = groups[particao]
    invariant(found, 'every merchant has a partition')
    return { particao, ...found }
  }

  return {
    receber: async (item) => {
      const { particao, arrivals } = groupOf(item.pedido.comercianteId)
      return receiveResult(item, particao, await trace.commit(particao, item.traceparent, () => arrivals.add(item)))
    },
    receberLote: async (items) => {
      const particao = particaoOf(items[0]?.pedido.comercianteId ?? '', particoes)
      const results = new Array<ReceiveResult>(items.length)
      for (const round of rounds(items, keysOfArrival)) {
        for (let from = 0; from < round.length; from += BATCH_STATEMENT_ROWS) {
          const part = round.slice(from, from + BATCH_STATEMENT_ROWS)
          const batch = part.flatMap((index) => items[index] ?? [])
          const moved = await flush(receber, particao, batch.map(rowOfArrival))
          batch.forEach((item, i) => {
            const [answer, index] = [moved[i], part[i]]
            if (answer !== undefined && index !== undefined) results[index] = receiveResult(item, particao, answer)
          })
        }
      }
      return results
    },
    mover: async (request) => {
      const { particao, changes } = groupOf(request.change.comercianteId)
      return moveResult(
        request,
        particao,
        await trace.commit(particao, request.traceparent, () => changes.add(request)),
      )
    },
    depth: () => all.reduce((sum, group) => sum + group.depth(), 0),
    idle: async () => {
      await Promise.all(all.map((group) => group.idle()))
    },
  }
}

/** Reads what the log answered for an order. Throws what PostgreSQL said of a row that validation should have refused. */
const receiveResult = (item: PedidoArrival, particao: number, moved: Moved<KnownPedido, null>): ReceiveResult => {
  if (moved.outcome === 'refused') throw moved.error
  invariant(moved.outcome !== 'guarded', 'nothing guards an order that is received')
  const position = { particao, posicao: moved.posicao }
  if (moved.outcome === 'moved') return { outcome: 'created', pedido: item.pedido, ...position }
  const pedido = pedidoFromRow(moved.row.pedido)
  const sameContent = moved.row.impressao === pedidoImpressao(item.pedido)
  if (moved.via === 'referencia') return { outcome: 'reference-conflict', sameContent, pedido, ...position }
  return { outcome: sameContent ? 'repeated' : 'key-conflict', pedido, ...position }
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
