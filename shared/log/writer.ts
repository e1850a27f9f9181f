import type { Clock } from '../clock.ts'
import { invariant } from '../errors.ts'
import type { Tx } from '../postgres/transactions.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { WriteRows } from './append.ts'
import { createCommitTrace } from './commit-trace.ts'
import { createGroupCommit } from './group-commit.ts'
import type { LogRow } from './log-table.ts'
import { particaoOf } from './particao-of.ts'

/** What whoever runs a log sets for those who write it. */
export type LogWriterSettings = {
  particoes: number
  /** Hears of each commit, so that the relay need not wait for its next look. */
  onCommit: (particao: number) => void
  /** Hears of each group commit's size. */
  onBatch?: ((rows: number) => void) | undefined
  /** Hears of each item that a full queue turns away. */
  onRefused?: (() => void) | undefined
  tracing?: Tracing | undefined
  clock?: Clock | undefined
}

type LogWriterOptions<Item, Answer, Result> = LogWriterSettings & {
  /** The log's name in traces. */
  name: string
  /** Registers rows of a partition, which share no key, in one statement: see `createAppend` and `createMove`. */
  write: WriteRows<Answer>
  rowOf: (item: Item) => LogRow
  /** What no two items of one statement may share: the keys by which one of them would be known. */
  keysOf: (item: Item) => readonly string[]
  comercianteOf: (item: Item) => string
  traceparentOf: (item: Item) => string | undefined
  /** Reads what the log answered for an item. */
  resultOf: (item: Item, particao: number, answer: Answer) => Result
}

export type LogWriter<Item, Result> = {
  /** Writes one item, together with those of concurrent callers. Rejects with `Unavailable` when the queue is full. */
  add: (item: Item) => Promise<Result>
  /**
   * Writes the items of **one** merchant, each on its own merit, and answers in their order. Inside a `transaction`, nothing is told of
   * commits: that is its owner's.
   */
  addAll: (items: readonly Item[], transaction?: Tx) => Promise<Result[]>
  /** Items that wait for a batch. */
  depth: () => number
  /** Resolves when every item that was taken is answered. */
  idle: () => Promise<void>
}

/** Rows of one statement of a list: items of other callers get their turn in between, and the event loop is held briefly. */
const STATEMENT_ROWS = 500

/** Writes a log in the order of its commits: each partition has a group commit. An answer comes after its row is durable. */
export function createLogWriter<Item, Answer extends { outcome: string; posicao?: number }, Result>(
  options: LogWriterOptions<Item, Answer, Result>,
): LogWriter<Item, Result> {
  const { particoes, write, rowOf, keysOf, comercianteOf, traceparentOf, resultOf, onCommit } = options
  const trace = createCommitTrace(options.tracing, options.name, write.statement)

  const flush = async (particao: number, items: readonly Item[]): Promise<Answer[]> => {
    const work = () => write(particao, items.map(rowOf))
    const answers = await trace.statement(particao, items.map(traceparentOf), work)
    onCommit(particao)
    return answers
  }
  const groups = Array.from({ length: particoes }, (_, particao) =>
    createGroupCommit<Item, Answer>({ ...options, flush: (items) => flush(particao, items), ownerOf: comercianteOf }),
  )

  return {
    add: async (item) => {
      const particao = particaoOf(comercianteOf(item), particoes)
      const group = groups[particao]
      invariant(group, 'every merchant has a partition')
      const answer = await trace.commit(particao, traceparentOf(item), () => group.add(item))
      return resultOf(item, particao, answer)
    },
    addAll: async (items, transaction) => {
      const results = new Array<Result>(items.length)
      const [first] = items
      if (first === undefined) return results
      const particao = particaoOf(comercianteOf(first), particoes)
      for (const part of statementsOf(items, keysOf)) {
        const batch = part.flatMap((index) => items[index] ?? [])
        const answers = transaction
          ? await write(particao, batch.map(rowOf), transaction)
          : await flush(particao, batch)
        part.forEach((index, i) => {
          const [item, answer] = [batch[i], answers[i]]
          invariant(item !== undefined && answer !== undefined, 'the log answers every row')
          results[index] = resultOf(item, particao, answer)
        })
      }
      return results
    },
    depth: () => groups.reduce((sum, group) => sum + group.depth(), 0),
    idle: async () => {
      await Promise.all(groups.map((group) => group.idle()))
    },
  }
}

/**
 * Cuts a list into statements in which no two items share a key, keeping their order: a later item with a key of an
 * earlier one waits for the next round, and then finds it known. Gives the places of each statement's items.
 */
function statementsOf<Item>(items: readonly Item[], keysOf: (item: Item) => readonly string[]): number[][] {
  const rounds: number[][] = []
  const roundOfKey = new Map<string, number>()
  items.forEach((item, index) => {
    const keys = keysOf(item)
    let round = 0
    for (const key of keys) round = Math.max(round, roundOfKey.get(key) ?? 0)
    for (const key of keys) roundOfKey.set(key, round + 1)
    rounds[round] ??= []
    rounds[round]?.push(index)
  })
  return rounds.flatMap((round) =>
    Array.from({ length: Math.ceil(round.length / STATEMENT_ROWS) }, (_, i) =>
      round.slice(i * STATEMENT_ROWS, (i + 1) * STATEMENT_ROWS),
    ),
  )
}
