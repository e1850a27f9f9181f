import { isSampled, type SpanOptions, type Tracing } from '../telemetry/tracing.ts'

/** What a log answered for a row; where it got one, or had one, with its position. */
type Answer = { outcome: string; posicao?: number }

type CommitTrace = {
  /** From the queue to the disk, in the row's own trace. */
  commit: <T extends Answer>(particao: number, traceparent: string | undefined, work: () => Promise<T>) => Promise<T>
  /** The statement of a group commit or of a batch: a trace of its own, linked to those of its rows. */
  statement: <T extends Answer>(
    particao: number,
    traceparents: readonly (string | undefined)[],
    work: () => Promise<T[]>,
  ) => Promise<T[]>
}

/** Links beyond this are cut by the SDK. */
const LINKS_MAX = 128

/** The spans of a write to a log: a row's wait for its commit, and the statement that many of them share. `name` is the log's. */
export function createCommitTrace(tracing: Tracing | undefined, name: string, statement: string): CommitTrace {
  if (tracing === undefined) return { commit: (_, __, work) => work(), statement: (_, __, work) => work() }
  const around = async <T>(
    what: string,
    options: SpanOptions,
    work: () => Promise<T>,
    posicao: (result: T) => number | undefined,
  ): Promise<T> => {
    const span = tracing.start(`${name} ${what}`, options)
    try {
      const result = await work()
      const last = posicao(result)
      span.end({ ...(last !== undefined && { attributes: { posicao: last } }) })
      return result
    } catch (error) {
      span.end({ error })
      throw error
    }
  }

  return {
    commit: (particao, traceparent, work) => {
      if (traceparent === undefined || !isSampled(traceparent)) return work()
      return around('commit', { parent: traceparent, attributes: { particao } }, work, ({ posicao }) => posicao)
    },
    statement: (particao, traceparents, work) => {
      const kept = new Set(
        traceparents.flatMap((traceparent) =>
          traceparent !== undefined && isSampled(traceparent) ? [traceparent] : [],
        ),
      )
      if (kept.size === 0) return work()
      const options: SpanOptions = {
        kind: 'client',
        links: [...kept].slice(0, LINKS_MAX),
        attributes: {
          'db.system.name': 'postgresql',
          'db.operation.name': statement,
          particao,
          linhas: traceparents.length,
        },
      }
      return around('statement', options, work, (answers) => answers.map(({ posicao }) => posicao).findLast(Boolean))
    },
  }
}
