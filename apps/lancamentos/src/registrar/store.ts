import { createAppend, throwAppendUnavailable } from '@fluxo/shared/log/append'
import { createLogWriter, type LogWriterSettings } from '@fluxo/shared/log/writer'
import { isAccepted } from '@fluxo/shared/outcome'
import { isUniqueViolation } from '@fluxo/shared/postgres/failure'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Transactions } from '@fluxo/shared/postgres/transactions'
import { type Item, keysOf, LEDGER, type LedgerRow, rowOf } from './ledger-table.ts'
import { type Registration, registrationOf } from './registration.ts'

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

type LancamentoStoreOptions = LogWriterSettings & { sql: Sql; transactions: Transactions }

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

/** Registers entries in the order in which they commit. Each answer comes after its row is durable. */
export const createLancamentoStore = ({ sql, transactions, ...settings }: LancamentoStoreOptions): LancamentoStore => {
  const writer = createLogWriter({
    ...settings,
    name: 'ledger',
    write: createAppend<LedgerRow>(sql, LEDGER, settings.clock),
    rowOf,
    keysOf,
    comercianteOf: ({ lancamento }) => lancamento.comercianteId,
    traceparentOf: ({ lancamento }) => lancamento.traceparent,
    resultOf: registrationOf,
  })
  const whole = (items: readonly Item[]): Promise<Registration[]> =>
    transactions.run(async (tx) => {
      const registrations = await writer.addAll(items, tx)
      if (!registrations.every(isAccepted)) throw new NotWhole(registrations)
      return registrations
    })

  return {
    registrar: writer.add,
    registrarLote: (items) => writer.addAll(items),
    registrarAtomico: async (items) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const registrations = await whole(items)
          const [first] = registrations
          if (first !== undefined) settings.onCommit(first.particao)
          return { applied: true, registrations }
        } catch (error) {
          if (error instanceof NotWhole) return { applied: false, registrations: error.registrations }
          if (isUniqueViolation(error) && attempt < ATOMIC_TRIES_MAX) continue
          return throwAppendUnavailable(error)
        }
      }
    },
    depth: writer.depth,
    idle: writer.idle,
  }
}
