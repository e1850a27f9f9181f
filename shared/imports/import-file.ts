import { setTimeout as delay } from 'node:timers/promises'
import { createDecoder, type Encoding } from '../csv/encoding.ts'
import type { Fate, Importacao, ReadyLine } from '../csv/importacao.ts'
import { createCsvReader } from '../csv/reader.ts'
import type { ImportReport } from '../csv/report.ts'
import { Unavailable } from '../errors.ts'
import type { Chunks } from './upload.ts'

export type ImportFile = { chunks: Chunks; encoding?: Encoding | undefined }

type ImportFileOptions<Content> = ImportFile & {
  importacao: Importacao<Content>
  /** Stores lines durably and says what became of each, in order. May be called again with lines that it has stored. */
  save: (lines: readonly ReadyLine<Content>[]) => Promise<readonly Fate[]>
}

/** Lines of a batch: one statement of the log. Larger ones gained nothing and hold the counter longer. */
const BATCH_LINES = 500
/** PostgreSQL works on one batch while the next is read. More would only wait for the partition's counter. */
const BATCHES_IN_FLIGHT_MAX = 2
/** A restart of PostgreSQL, or a moment's overload, must not cost a long upload: 0.2 + 0.4 + … + 6.4 s, about 13 s. */
const ATTEMPTS_MAX = 7
const FIRST_WAIT_MS = 200

/**
 * Imports the lines of a CSV file as they arrive, in constant memory: while two batches are being stored, the sender waits.
 *
 * Every batch that was stored stays, whatever happens to the rest; sending the file again completes it. Rejects with
 * what the file, the connection or the store (`Unavailable`) said, and only when no batch is under way any more.
 */
export async function importCsvFile<Content>(options: ImportFileOptions<Content>): Promise<ImportReport> {
  const { chunks, encoding, importacao } = options
  const text = createDecoder(encoding)
  const csv = createCsvReader()

  const save = async (lines: readonly ReadyLine<Content>[]): Promise<void> => {
    const fates = await withRetries(() => options.save(lines))
    lines.forEach((line, i) => {
      const fate = fates[i]
      if (fate !== undefined) importacao.note(line, fate)
    })
  }

  const sender = createSender(save)
  try {
    for await (const chunk of chunks)
      await sender.send(
        importacao.decide(csv.read(text.decode(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)))),
      )
    await sender.send(importacao.decide(csv.read(text.end(), true)))
  } finally {
    await sender.conclude()
  }
  return importacao.conclude()
}

/** Every line has a key or a `referencia`, so a batch whose fate is unknown can be sent again. */
async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Unavailable) || tries === ATTEMPTS_MAX) throw error
      await delay(FIRST_WAIT_MS * 2 ** (tries - 1))
    }
  }
}

/** Cuts lines into batches and stores a bounded number of them at once. The first failure ends it. */
function createSender<Content>(save: (lines: readonly ReadyLine<Content>[]) => Promise<void>) {
  const inFlight = new Set<Promise<void>>()
  let queue: ReadyLine<Content>[] = []
  let failure: { error: unknown } | undefined

  const launch = async (lines: readonly ReadyLine<Content>[]): Promise<void> => {
    while (inFlight.size >= BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight)
    if (failure) throw failure.error
    const flight = save(lines)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => inFlight.delete(flight))
    inFlight.add(flight)
  }

  return {
    send: async (lines: readonly ReadyLine<Content>[]): Promise<void> => {
      queue = queue.length === 0 ? [...lines] : queue.concat(lines)
      let from = 0
      for (; queue.length - from >= BATCH_LINES; from += BATCH_LINES)
        await launch(queue.slice(from, from + BATCH_LINES))
      if (from > 0) queue = queue.slice(from)
    },
    /** Stores what is left and waits until no batch is under way. */
    conclude: async (): Promise<void> => {
      if (queue.length > 0 && !failure) await launch(queue)
      await Promise.all(inFlight)
      if (failure) throw failure.error
    },
  }
}
