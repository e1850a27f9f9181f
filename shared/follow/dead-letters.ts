import type { Redis } from 'ioredis'
import { reasonOf } from '../inbox/isolate.ts'
import { CAMPO_EVENTO, deadLetterKey } from '../stream/keys.ts'
import type { Logger } from '../telemetry/logger.ts'

/** The stream is a copy for eyes and tools; the table is the truth, so the copy may be short. */
const STREAM_LENGTH_MAX = 10_000

/** An event that fails whenever it is applied, and why. */
export type CartaMorta = { particao: number; posicao: number; body: string; motivo: string; tentativas: number }

/** Where dead letters live: a table in the consumer's own database. */
export type DeadLetterStore = {
  /** Durable when it resolves; the same (particao, posicao) again updates reason and attempts and makes it pending again. */
  put(carta: CartaMorta): Promise<void>
  /** At most `limite` letters that wait, oldest first; with `at`, the one at that position. */
  list(page: { limite: number; at?: Lugar }): Promise<CartaMorta[]>
  /** Notes that the letter was applied after all. */
  mark(carta: Lugar): Promise<void>
}

type Lugar = { particao: number; posicao: number }

type DeadLettersOptions = {
  /** Where letters are copied for eyes and tools; by default nowhere. */
  copies?: { redis: Redis; prefix: string } | undefined
  store: DeadLetterStore
  /** Applies an event through the same handler as ever; rejects when it still fails. */
  reapply: (carta: CartaMorta) => Promise<void>
  /** Tells a database that is away from an event that is wrong: the first ends a redrive, the second only fails its letter. */
  isInfrastructure: (error: unknown) => boolean
  log: Logger
}

/** What a redrive did; a letter that failed again stays, with one attempt more and the new reason. */
type Redirigidas = { redirigidas: number; falhas: { particao: number; posicao: number; motivo: string }[] }

export type DeadLetters = {
  /** Keeps the letter; the caller acks only after this resolved. Rejects when the table cannot be written: pause, do not ack. */
  put(carta: CartaMorta): Promise<void>
  /** At most `limite` letters that wait, oldest first. */
  list(page: { limite: number }): Promise<CartaMorta[]>
  /** Gives at most `limite` letters to the handler again, one by one. Rejects at the first infrastructure error. */
  redrive(page: { limite: number }): Promise<Redirigidas>
}

/** Dead letters over the given table; where copies are wanted, on the stream `<prefix>:dlq:{<particao>}` while Redis is there. */
export function createDeadLetters({ copies, store, reapply, isInfrastructure, log }: DeadLettersOptions): DeadLetters {
  /** A lost reply may leave the copy twice: it carries the position, and nothing is counted by it. */
  const copy = async ({ particao, posicao, body, motivo, tentativas }: CartaMorta) => {
    if (copies === undefined) return
    const { redis, prefix } = copies
    const limit = ['MAXLEN', '~', STREAM_LENGTH_MAX] as const
    const fields = ['posicao', posicao, 'motivo', motivo, 'tentativas', tentativas, CAMPO_EVENTO, body] as const
    await redis.xadd(deadLetterKey(prefix, particao), ...limit, '*', ...fields)
  }
  const put = async (carta: CartaMorta) => {
    const { particao, posicao, motivo, tentativas } = carta
    if (!Number.isSafeInteger(posicao)) {
      // No log has such a position, and no table a place for it: only somebody else than the log can have written it.
      log.error({ particao, posicao, motivo }, 'an entry beyond every position is dropped')
      return
    }
    await store.put(carta)
    log.error({ particao, posicao, motivo, tentativas }, 'event went to the dead letters')
    await copy(carta).catch((error: unknown) => {
      log.warn({ particao, posicao, err: error }, 'dead letter kept, its copy on the stream failed')
    })
  }
  return {
    put,
    list: (page) => store.list(page),
    redrive: async ({ limite }) => {
      const result: Redirigidas = { redirigidas: 0, falhas: [] }
      for (const carta of await store.list({ limite })) {
        try {
          await reapply(carta)
        } catch (error) {
          if (isInfrastructure(error)) throw error
          const motivo = reasonOf(error)
          await store.put({ ...carta, motivo, tentativas: carta.tentativas + 1 })
          result.falhas.push({ particao: carta.particao, posicao: carta.posicao, motivo })
          continue
        }
        await store.mark(carta)
        result.redirigidas += 1
      }
      return result
    },
  }
}
