import type { Clock } from '@fluxo/shared/clock'
import { invariant } from '@fluxo/shared/errors'
import { type Appended, createAppend, rounds, throwAppendUnavailable } from '@fluxo/shared/log/append'
import { createCommitTrace } from '@fluxo/shared/log/commit-trace'
import { createGroupCommit, type GroupCommit } from '@fluxo/shared/log/group-commit'
import { particaoOf } from '@fluxo/shared/log/particao-of'
import { isUniqueViolation } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Transactions } from '@fluxo/shared/postgres/transactions'
import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { type Item, keysOf, LEDGER, type LedgerRow, rowOf } from './ledger-table.ts'
import { isAccepted, type Registration, registrationOf } from './registration.ts'

export type LancamentoStore = {
  /** Registers one entry, together with those of concurrent callers. Rejects with `Unavailable` when the queue is full. */
  registrar: (item: Item) => Promise<Registration>
  /** Registers the entries of **one** merchant, each on its own merit. Answers in their order. */
  registrarLote: (items: readonly Item[]) => Promise<Registration[]>
  /** The same, all or none: `applied` is false, and nothing is stored, where one of them is not `isAccepted`. */
  registrarAtomico: (items: readonly Item[]) => Promise<{ applied: boolean; registrations: Registration[] }>
  /** Entries that wait for a batch. */
  depth: () => number
  /** Resolves when every entry that was taken is answered. */
  idle: () => Promise<void>
}

type LancamentoStoreOptions = {
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
class NotWhole extends Error {
  readonly registrations: Registration[]
  constructor(registrations: Registration[]) {
    super('the batch is not whole')
    this.registrations = registrations
  }
}

const traceparentOf = ({ lancamento }: Item): string | undefined => lancamento.traceparent

/** Registers entries in the order in which they commit. Each answer comes after its row is durable. */
export const createLancamentoStore = (options: LancamentoStoreOptions): LancamentoStore => {
  const { sql, transactions, particoes, onCommit, onBatch, onRefused, tracing, clock } = options
  const append = createAppend<LedgerRow>(sql, LEDGER, clock)
  const trace = createCommitTrace(tracing, 'ledger')

  const flush = async (particao: number, items: readonly Item[]): Promise<Appended<LedgerRow>[]> => {
    const work = () => append(particao, items.map(rowOf))
    const appended = await trace.statement(particao, items.map(traceparentOf), work)
    onCommit(particao)
    return appended
  }

  const groups: GroupCommit<Item, Appended<LedgerRow>>[] = Array.from({ length: particoes }, (_, particao) =>
    createGroupCommit({
      flush: (items) => flush(particao, items),
      keysOf,
      ownerOf: ({ lancamento }) => lancamento.comercianteId,
      ...(onBatch && { onBatch }),
      ...(onRefused && { onRefused }),
      ...(clock && { clock }),
    }),
  )

  const lote = async (items: readonly Item[], write: (part: readonly Item[]) => Promise<Registration[]>) => {
    const registrations = new Array<Registration>(items.length)
    for (const round of rounds(items, keysOf)) {
      const written = await write(round.flatMap((index) => items[index] ?? []))
      round.forEach((index, i) => {
        const registration = written[i]
        if (registration) registrations[index] = registration
      })
    }
    return registrations
  }

  const separate = (particao: number, items: readonly Item[]): Promise<Registration[]> =>
    inPieces(items, async (part) => settle(part, particao, await flush(particao, part)))

  const whole = async (particao: number, items: readonly Item[]): Promise<Registration[]> =>
    transactions.run(async (tx) => {
      const registrations = await lote(items, (round) =>
        inPieces(round, async (part) => settle(part, particao, await append(particao, part.map(rowOf), tx))),
      )
      if (!registrations.every(isAccepted)) throw new NotWhole(registrations)
      return registrations
    })

  const loteParticao = (items: readonly Item[]): number =>
    particaoOf(items[0]?.lancamento.comercianteId ?? '', particoes)

  return {
    registrar: async (item) => {
      const particao = particaoOf(item.lancamento.comercianteId, particoes)
      const group = groups[particao]
      invariant(group, 'every merchant has a partition')
      const work = () => group.add(item)
      return registrationOf(item, particao, await trace.commit(particao, item.lancamento.traceparent, work))
    },
    registrarLote: (items) => lote(items, (round) => separate(loteParticao(items), round)),
    registrarAtomico: async (items) => {
      const particao = loteParticao(items)
      for (let attempt = 1; ; attempt += 1) {
        try {
          const registrations = await whole(particao, items)
          onCommit(particao)
          return { applied: true, registrations }
        } catch (error) {
          if (error instanceof NotWhole) return { applied: false, registrations: error.registrations }
          if (isUniqueViolation(error) && attempt < ATOMIC_TRIES_MAX) continue
          return throwAppendUnavailable(error)
        }
      }
    },
    depth: () => groups.reduce((sum, group) => sum + group.depth(), 0),
    idle: async () => {
      await Promise.all(groups.map((group) => group.idle()))
    },
  }
}

/** Writes entries in statements of `BATCH_STATEMENT_ROWS`, one after the other. */
async function inPieces(
  items: readonly Item[],
  write: (part: readonly Item[]) => Promise<Registration[]>,
): Promise<Registration[]> {
  const registrations: Registration[] = []
  for (let from = 0; from < items.length; from += BATCH_STATEMENT_ROWS) {
    registrations.push(...(await write(items.slice(from, from + BATCH_STATEMENT_ROWS))))
  }
  return registrations
}

const settle = (items: readonly Item[], particao: number, appended: readonly Appended<LedgerRow>[]): Registration[] =>
  items.map((item, index) => {
    const answer = appended[index]
    invariant(answer, 'the log answers every row')
    return registrationOf(item, particao, answer)
  })
