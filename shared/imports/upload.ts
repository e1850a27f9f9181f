import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { DomainError, ValidationError } from '../errors.ts'

/** The pieces of a body as they arrive; the sender waits while one is being worked on. */
export type Chunks = AsyncIterable<Uint8Array>

/** Form field that carries the file. */
const FILE_FIELD = 'arquivo'

/** Other fields of the form are ignored; these bounds keep them from costing anything. */
const FORM_LIMITS = { fields: 20, fieldSize: 1_024, headerPairs: 50, parts: 25 } as const

const interrupted = () => new DomainError('requisicao-interrompida', 'O arquivo não chegou inteiro. Envie-o de novo.')

type Pace = {
  /** A sender may be silent for so long, once or in all. */
  waitMs: number
  /** What arrives makes up for silence, as much as this rate would have needed for it. */
  bytesPerSecond: number
}

/**
 * Passes a body on, and gives up on a sender that is silent, or slower than `pace` asks, for too long (408). The time that we take to
 * work on a piece does not count, and there is no limit on the whole. A connection that breaks is `requisicao-interrompida`.
 */
export async function* atPace(body: Chunks, pace: Pace): AsyncGenerator<Uint8Array> {
  const { waitMs, bytesPerSecond } = pace
  const chunks = body[Symbol.asyncIterator]()
  let leftMs = waitMs
  let gaveUp = false
  try {
    for (;;) {
      const reading = Promise.withResolvers<IteratorResult<Uint8Array>>()
      const since = performance.now()
      const timer = setTimeout(() => {
        gaveUp = true
        reading.reject(tooSlow(pace))
      }, leftMs)
      chunks.next().then(reading.resolve, () => reading.reject(interrupted()))
      const { done, value } = await reading.promise.finally(() => clearTimeout(timer))
      if (done) return
      const earnedMs = (value.byteLength / bytesPerSecond) * 1_000
      leftMs = Math.min(waitMs, Math.max(0, leftMs - (performance.now() - since)) + earnedMs)
      yield value
    }
  } finally {
    // While a piece is awaited, `return` would wait behind it for ever.
    if (!gaveUp) await chunks.return?.()
  }
}

const tooSlow = ({ waitMs, bytesPerSecond }: Pace) =>
  new DomainError(
    'corpo-lento',
    `O arquivo parou de chegar por ${waitMs / 1_000} s, ou chega a menos de ${bytesPerSecond} bytes por segundo.`,
  )

const fileError = (message: string) => new ValidationError([{ campo: FILE_FIELD, mensagem: message }])

/** The parser of a form; 400 where the header does not say how its parts are separated. */
function createBusboy(contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: FORM_LIMITS })
  } catch {
    throw malformed()
  }
}

const malformed = () => new DomainError('requisicao-malformada', 'O formulário multipart não pôde ser lido.')

/** The pieces of the file `file` inside a multipart form, at the pace at which they are taken. */
export async function* fileOfForm(body: Chunks, contentType: string): AsyncGenerator<Uint8Array> {
  const busboy = createBusboy(contentType)
  const found = Promise.withResolvers<Readable>()
  let file: Readable | undefined
  const fail = (error: Error): void => {
    found.reject(error)
    file?.destroy(error)
  }
  busboy.on('file', (field, part) => {
    if (field !== FILE_FIELD) part.resume()
    else if (file !== undefined) {
      part.resume()
      fail(fileError('Envie um só arquivo por vez.'))
    } else {
      file = part
      found.resolve(part)
    }
  })
  busboy.on('finish', () => found.reject(fileError('Falta o arquivo no formulário.')))

  const end = new AbortController()
  feed(busboy, body, end.signal).catch((error: unknown) => {
    fail(error instanceof DomainError ? error : malformed())
  })
  try {
    yield* await found.promise
  } catch (error) {
    throw error instanceof DomainError ? error : malformed()
  } finally {
    end.abort()
  }
}

/** Feeds the parser with the body, waiting where it is full, until the end of one of them. */
async function feed(busboy: BusboyInstance, body: Chunks, signal: AbortSignal): Promise<void> {
  busboy.on('error', () => {})
  const finished = once(busboy, 'finish', { signal })
  finished.catch(() => {})
  for await (const chunk of body) {
    if (!busboy.write(chunk)) await once(busboy, 'drain', { signal })
  }
  busboy.end()
  await finished
}
