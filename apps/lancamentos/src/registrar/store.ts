import type { Clock } from '@fluxo/shared/clock'
import { Indisponivel, invariant } from '@fluxo/shared/errors'
import { type Appended, createAppend, rounds } from '@fluxo/shared/log/append'
import { createCommitTrace } from '@fluxo/shared/log/commit-trace'
import { createGroupCommit, type GroupCommit } from '@fluxo/shared/log/group-commit'
import { particaoDe } from '@fluxo/shared/log/particao'
import { isInfrastructure, isUniqueViolation } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Transactions } from '@fluxo/shared/postgres/transactions'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { type Item, keysOf, LEDGER, type LedgerRow, rowOf } from './ledger-table.ts'
import { aceito, type Registro, registroDe } from './registro.ts'

export type RegistroStore = {
  /** Registers one entry, together with those of concurrent callers. Rejects with `Indisponivel` when the queue is full. */
  registrar: (item: Item) => Promise<Registro>
  /** Registers the entries of **one** merchant, each on its own merit. Answers in their order. */
  registrarLote: (itens: readonly Item[]) => Promise<Registro[]>
  /** The same, all or none: `aplicado` is false, and nothing is stored, where one of them is not `aceito`. */
  registrarAtomico: (itens: readonly Item[]) => Promise<{ aplicado: boolean; registros: Registro[] }>
  /** Entries that wait for a batch. */
  fila: () => number
  /** Resolves when every entry that was taken is answered. */
  ociosa: () => Promise<void>
}

type RegistroStoreOptions = {
  sql: Sql
  transactions: Transactions
  particoes: number
  tracing?: Tracing | undefined
  /** Hears of each commit, so that the relay need not wait for its next look. */
  onCommit: (particao: number) => void
  /** Hears of each group commit's size. */
  onBatch?: (rows: number) => void
  /** Hears of each entry that a full queue turns away. */
  onRefused?: () => void
  clock?: Clock
}

/** Rows of one statement of a batch: what is made and read for it keeps the event loop for a moment only. */
const BATCH_STATEMENT_ROWS = 500
/** A race on a key inside an atomic batch is decided by the next try, which sees the winner. */
const ATOMIC_TRIES_MAX = 3

/** Thrown inside a transaction to undo it: an outcome, not an error. */
class Desfeito extends Error {
  readonly registros: Registro[]
  constructor(registros: Registro[]) {
    super('the batch is not whole')
    this.registros = registros
  }
}

const rastroDe = ({ lancamento }: Item): string | undefined => lancamento.rastro

/** Registers entries in the order in which they commit. Each answer comes after its row is durable. */
export const createRegistroStore = (options: RegistroStoreOptions): RegistroStore => {
  const { sql, transactions, particoes, onCommit, onBatch, onRefused, tracing, clock } = options
  const append = createAppend<LedgerRow>(sql, LEDGER, clock)
  const trace = createCommitTrace(tracing, 'ledger')

  const flush = async (particao: number, itens: readonly Item[]): Promise<Appended<LedgerRow>[]> => {
    const work = () => append(particao, itens.map(rowOf))
    const appended = await trace.statement(particao, itens.map(rastroDe), work)
    onCommit(particao)
    return appended
  }

  const groups: GroupCommit<Item, Appended<LedgerRow>>[] = Array.from({ length: particoes }, (_, particao) =>
    createGroupCommit({
      flush: (itens) => flush(particao, itens),
      keysOf,
      ownerOf: ({ lancamento }) => lancamento.comercianteId,
      ...(onBatch && { onBatch }),
      ...(onRefused && { onRefused }),
      ...(clock && { clock }),
    }),
  )

  const lote = async (itens: readonly Item[], write: (part: readonly Item[]) => Promise<Registro[]>) => {
    const registros = new Array<Registro>(itens.length)
    for (const round of rounds(itens, keysOf)) {
      const written = await write(round.flatMap((index) => itens[index] ?? []))
      round.forEach((index, i) => {
        const registro = written[i]
        if (registro) registros[index] = registro
      })
    }
    return registros
  }

  const separate = (particao: number, itens: readonly Item[]): Promise<Registro[]> =>
    inPieces(itens, async (part) => settle(part, particao, await flush(particao, part)))

  const whole = async (particao: number, itens: readonly Item[]): Promise<Registro[]> =>
    transactions.run(async (tx) => {
      const registros = await lote(itens, (round) =>
        inPieces(round, async (part) => settle(part, particao, await append(particao, part.map(rowOf), tx))),
      )
      if (!registros.every(aceito)) throw new Desfeito(registros)
      return registros
    })

  const particaoDoLote = (itens: readonly Item[]): number =>
    particaoDe(itens[0]?.lancamento.comercianteId ?? '', particoes)

  return {
    registrar: async (item) => {
      const particao = particaoDe(item.lancamento.comercianteId, particoes)
      const group = groups[particao]
      invariant(group, 'every merchant has a partition')
      const work = () => group.add(item)
      return registroDe(item, particao, await trace.commit(particao, item.lancamento.rastro, work))
    },
    registrarLote: (itens) => lote(itens, (round) => separate(particaoDoLote(itens), round)),
    registrarAtomico: async (itens) => {
      const particao = particaoDoLote(itens)
      for (let attempt = 1; ; attempt += 1) {
        try {
          const registros = await whole(particao, itens)
          onCommit(particao)
          return { aplicado: true, registros }
        } catch (error) {
          if (error instanceof Desfeito) return { aplicado: false, registros: error.registros }
          if (isUniqueViolation(error) && attempt < ATOMIC_TRIES_MAX) continue
          if (isInfrastructure(error)) throw indisponivel(error)
          throw error
        }
      }
    },
    fila: () => groups.reduce((sum, group) => sum + group.depth(), 0),
    ociosa: async () => {
      await Promise.all(groups.map((group) => group.idle()))
    },
  }
}

/** Writes entries in statements of `BATCH_STATEMENT_ROWS`, one after the other. */
async function inPieces(
  itens: readonly Item[],
  write: (part: readonly Item[]) => Promise<Registro[]>,
): Promise<Registro[]> {
  const registros: Registro[] = []
  for (let from = 0; from < itens.length; from += BATCH_STATEMENT_ROWS) {
    registros.push(...(await write(itens.slice(from, from + BATCH_STATEMENT_ROWS))))
  }
  return registros
}

const settle = (itens: readonly Item[], particao: number, appended: readonly Appended<LedgerRow>[]): Registro[] =>
  itens.map((item, index) => {
    const answer = appended[index]
    invariant(answer, 'the log answers every row')
    return registroDe(item, particao, answer)
  })

const RETRY_AFTER_SECONDS = 2
const indisponivel = (cause: unknown): Indisponivel =>
  new Indisponivel('banco-indisponivel', 'O registro está indisponível agora. Tente de novo.', RETRY_AFTER_SECONDS, {
    cause,
  })
