import type { Redis } from 'ioredis'
import { deadLetterKey, EVENTO_FIELD } from '../stream/keys.ts'
import type { Logger } from '../telemetry/logger.ts'

/** An event that fails whenever it is applied, and why. */
export type DeadLetter = { particao: number; posicao: number; body: string; motivo: string; tentativas: number }

/** Keeps a letter: the caller acknowledges only after it resolved. Rejects where the table cannot be written: then nobody acknowledges. */
export type KeepLetter = (letter: DeadLetter) => Promise<void>

/** The stream is a copy for people and tools. The table has all letters, so the copy may be short. */
const STREAM_LENGTH_MAX = 10_000

export type KeepLetterDeps = {
  /** The table's own (`createLetterStore`). */
  put: KeepLetter
  /** Where letters are copied for people and tools, while Redis is there: the stream `<prefix>:dlq:{<particao>}`; by default nowhere. */
  copies?: { redis: Redis; prefix: string } | undefined
  log: Logger
}

/** Keeps letters in their table, and says so. */
export function createKeepLetter({ put, copies, log }: KeepLetterDeps): KeepLetter {
  /** A lost reply may leave the copy twice: it carries the position, and nothing is counted by it. */
  const copy = async ({ particao, posicao, body, motivo: reason, tentativas: attempts }: DeadLetter) => {
    if (copies === undefined) return
    const { redis, prefix } = copies
    const limit = ['MAXLEN', '~', STREAM_LENGTH_MAX] as const
    const fields = ['posicao', posicao, 'motivo', reason, 'tentativas', attempts, EVENTO_FIELD, body] as const
    await redis.xadd(deadLetterKey(prefix, particao), ...limit, '*', ...fields)
  }
  return async (letter) => {
    const { particao, posicao, motivo: reason, tentativas: attempts } = letter
    if (!Number.isSafeInteger(posicao)) {
      // No log has such a position, and no table a place for it: only somebody else than the log can have written it.
      log.error({ particao, posicao, motivo: reason }, 'an entry beyond every position is dropped')
      return
    }
    await put(letter)
    log.error({ particao, posicao, motivo: reason, tentativas: attempts }, 'event went to the dead letters')
    await copy(letter).catch((error: unknown) => {
      log.warn({ particao, posicao, err: error }, 'dead letter kept, its copy on the stream failed')
    })
  }
}
