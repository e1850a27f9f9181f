import type { Clock } from '@fluxo/shared/clock'
import { Indisponivel, invariant } from '@fluxo/shared/errors'
import type { Lugar } from '@fluxo/shared/http/posicao'
import { createMove, type Move, type Moved, rounds } from '@fluxo/shared/log/append'
import { createCommitTrace } from '@fluxo/shared/log/commit-trace'
import { createGroupCommit } from '@fluxo/shared/log/group-commit'
import type { LogRow } from '@fluxo/shared/log/log-table'
import { particaoDe } from '@fluxo/shared/log/particao'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { impressaoDaMudanca, impressaoDoPedido } from '../domain/impressao.ts'
import type { Pedido } from '../domain/pedido.ts'
import { type Conhecido, EVENTOS } from './evento-table.ts'
import { linhaDaMudanca, MOVER, type Pedida } from './movimento.ts'
import { type PedidoRow, pedidoDe } from './pedido-row.ts'
import { linhaDoRecebimento, RECEBER, type Recebimento } from './recebimento.ts'

/** What became of an order that was to be received. In every conflict, `pedido` is the one that was there first. */
export type Recebido = Lugar & { pedido: Pedido } & (
    | { desfecho: 'criado' }
    | { desfecho: 'repetido' }
    | { desfecho: 'conflito-de-chave' }
    /** `mesmoConteudo`: whether the order that has this `referencia` says the very same. */
    | { desfecho: 'conflito-de-referencia'; mesmoConteudo: boolean }
  )

/** What became of a change: the order after it, the order as it was known by a key, or the guard's no. */
export type Mudado =
  | (Lugar & { desfecho: 'movido' | 'repetido' | 'conflito-de-chave'; pedido: Pedido })
  | { desfecho: 'barrado' }

export type PedidoStore = {
  /** Receives one order, together with those of concurrent callers. Rejects with `Indisponivel` when the queue is full. */
  receber: (recebimento: Recebimento) => Promise<Recebido>
  /** Receives the orders of **one** merchant, each on its own merit. Answers in their order. */
  receberLote: (recebimentos: readonly Recebimento[]) => Promise<Recebido[]>
  /** Makes one change, together with those of concurrent callers. Rejects with `Indisponivel` when the queue is full. */
  mover: (pedida: Pedida) => Promise<Mudado>
  /** Changes and orders that wait for a batch. */
  fila: () => number
  /** Resolves when everything that was taken is answered. */
  ociosa: () => Promise<void>
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
const RETRY_AFTER_SECONDS = 2

/** What no two orders of one statement may share: the keys by which one of them would be known. */
const chavesDoRecebimento = ({ pedido, chave }: Recebimento): string[] => {
  const chaves: string[] = []
  if (chave !== undefined) chaves.push(`c ${pedido.comercianteId} ${chave}`)
  if (pedido.referencia !== undefined) chaves.push(`r ${pedido.comercianteId} ${pedido.referencia}`)
  return chaves
}

/** What no two changes of one statement may share: the order itself, and the key. */
const chavesDaMudanca = ({ mudanca, chave }: Pedida): string[] => {
  const pedido = `p ${mudanca.pedidoId}`
  return chave === undefined ? [pedido] : [pedido, `c ${mudanca.comercianteId} ${chave}`]
}

/** Receives and moves orders, in the order in which the changes commit. Each answer comes after its row is durable. */
export const createPedidoStore = (options: PedidoStoreOptions): PedidoStore => {
  const { sql, particoes, onCommit, onBatch, onRefused, clock } = options
  const trace = createCommitTrace(options.tracing, 'order')
  const receber = createMove<Conhecido, null>(sql, EVENTOS, RECEBER, clock)
  const mover = createMove<Conhecido, PedidoRow>(sql, EVENTOS, MOVER, clock)
  const hears = { ...(onBatch && { onBatch }), ...(onRefused && { onRefused }), ...(clock && { clock }) }

  const flush = async <State>(move: Move<Conhecido, State>, particao: number, rows: readonly LogRow[]) => {
    const rastros = rows.map(({ rastro }) => (typeof rastro === 'string' ? rastro : undefined))
    const moved = await trace.statement(particao, rastros, () => move(particao, rows))
    onCommit(particao)
    return moved
  }
  const grupos = Array.from({ length: particoes }, (_, particao) => ({
    recebimentos: createGroupCommit<Recebimento, Moved<Conhecido, null>>({
      flush: (itens) => flush(receber, particao, itens.map(linhaDoRecebimento)),
      keysOf: chavesDoRecebimento,
      ownerOf: ({ pedido }) => pedido.comercianteId,
      ...hears,
    }),
    mudancas: createGroupCommit<Pedida, Moved<Conhecido, PedidoRow>>({
      flush: (itens) => flush(mover, particao, itens.map(linhaDaMudanca)),
      keysOf: chavesDaMudanca,
      ownerOf: ({ mudanca }) => mudanca.comercianteId,
      ...hears,
    }),
  }))
  const todos = grupos.flatMap(({ recebimentos, mudancas }) => [recebimentos, mudancas])
  const grupoDe = (comercianteId: string) => {
    const particao = particaoDe(comercianteId, particoes)
    const grupo = grupos[particao]
    invariant(grupo, 'every merchant has a partition')
    return { particao, ...grupo }
  }

  return {
    receber: async (item) => {
      const { particao, recebimentos } = grupoDe(item.pedido.comercianteId)
      return recebidoDe(item, particao, await trace.commit(particao, item.rastro, () => recebimentos.add(item)))
    },
    receberLote: async (itens) => {
      const particao = particaoDe(itens[0]?.pedido.comercianteId ?? '', particoes)
      const recebidos = new Array<Recebido>(itens.length)
      for (const round of rounds(itens, chavesDoRecebimento)) {
        for (let from = 0; from < round.length; from += BATCH_STATEMENT_ROWS) {
          const parte = round.slice(from, from + BATCH_STATEMENT_ROWS)
          const lote = parte.flatMap((index) => itens[index] ?? [])
          const moved = await flush(receber, particao, lote.map(linhaDoRecebimento))
          lote.forEach((item, i) => {
            const [answer, index] = [moved[i], parte[i]]
            if (answer !== undefined && index !== undefined) recebidos[index] = recebidoDe(item, particao, answer)
          })
        }
      }
      return recebidos
    },
    mover: async (pedida) => {
      const { particao, mudancas } = grupoDe(pedida.mudanca.comercianteId)
      return mudadoDe(pedida, particao, await trace.commit(particao, pedida.rastro, () => mudancas.add(pedida)))
    },
    fila: () => todos.reduce((sum, group) => sum + group.depth(), 0),
    ociosa: async () => {
      await Promise.all(todos.map((group) => group.idle()))
    },
  }
}

/** Reads what the log answered for an order. Throws what PostgreSQL said of a row that validation should have refused. */
const recebidoDe = (item: Recebimento, particao: number, moved: Moved<Conhecido, null>): Recebido => {
  if (moved.outcome === 'recusado') throw moved.error
  invariant(moved.outcome !== 'barrado', 'nothing guards an order that is received')
  const lugar = { particao, posicao: moved.posicao }
  if (moved.outcome === 'movido') return { desfecho: 'criado', pedido: item.pedido, ...lugar }
  const pedido = pedidoDe(moved.row.pedido)
  const mesmoConteudo = moved.row.impressao === impressaoDoPedido(item.pedido)
  if (moved.via === 'referencia') return { desfecho: 'conflito-de-referencia', mesmoConteudo, pedido, ...lugar }
  return { desfecho: mesmoConteudo ? 'repetido' : 'conflito-de-chave', pedido, ...lugar }
}

const mudadoDe = ({ mudanca }: Pedida, particao: number, moved: Moved<Conhecido, PedidoRow>): Mudado => {
  switch (moved.outcome) {
    case 'recusado':
      throw moved.error
    case 'barrado':
      return { desfecho: 'barrado' }
    case 'movido':
      return { desfecho: 'movido', pedido: pedidoDe(moved.state), particao, posicao: moved.posicao }
    case 'conhecido': {
      const repetido = moved.row.impressao === impressaoDaMudanca(mudanca)
      const pedido = pedidoDe(moved.row.pedido)
      return { desfecho: repetido ? 'repetido' : 'conflito-de-chave', pedido, particao, posicao: moved.posicao }
    }
  }
}

/** The refusal of a read or a write whose database is away. */
export const bancoIndisponivel = (cause: unknown): Indisponivel =>
  new Indisponivel('banco-indisponivel', 'Os pedidos estão indisponíveis agora. Tente de novo.', RETRY_AFTER_SECONDS, {
    cause,
  })
