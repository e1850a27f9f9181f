import type { CsvFormat } from '@fluxo/shared/csv/writer'
import { Unavailable } from '@fluxo/shared/errors'
import { type AppEnv, nodeOf } from '@fluxo/shared/http/env'
import { csvHeaders } from '@fluxo/shared/http/page/csv-format'
import { createShares } from '@fluxo/shared/shares'
import type { Context } from 'hono'
import { exportCsv } from './export.ts'
import type { LancamentoFilters } from './listar.ts'
import type { LancamentoReadStore } from './store.ts'

/** Files that an instance writes at a time, and those of one merchant: each reads as fast as it is read itself. */
const FILES_MAX = 8
const FILES_OF_ONE_MAX = 2
/** A client that takes nothing for so long is gone; its place is somebody else's. */
const STALLED_MAX_MS = 60_000
const RETRY_AFTER_SECONDS = 5

type FileRequest = { filters: LancamentoFilters; format: CsvFormat }

/** Answers with the entries of a query as a file that is written while it is read. */
export function createFiles({
  leitura: readStore,
  stalledMaxMs = STALLED_MAX_MS,
}: {
  leitura: LancamentoReadStore
  stalledMaxMs?: number | undefined
}) {
  const shares = createShares({ max: FILES_MAX, ownerMax: FILES_OF_ONE_MAX })
  return (c: Context<AppEnv>, { filters, format }: FileRequest): Response => {
    const comercianteId = c.get('comercianteId')
    if (!shares.take(comercianteId)) {
      throw new Unavailable(
        'arquivos-demais',
        'Há arquivos demais a caminho. Espere que um termine.',
        RETRY_AFTER_SECONDS,
      )
    }
    const outgoing = nodeOf(c)?.outgoing
    outgoing?.once('close', () => shares.give(comercianteId))
    const interrupt = (): void => {
      outgoing?.destroy()
    }
    const pieces = exportCsv((...search) => readStore.listar(comercianteId, ...search), filters, format)
    const body = ReadableStream.from(orInterrupt(pieces, interrupt, stalledMaxMs))
    return new Response(body.pipeThrough(new TextEncoderStream()), {
      headers: { ...csvHeaders('lancamentos.csv'), 'Cache-Control': 'private, no-store' },
    })
  }
}

/**
 * Breaks the connection off where the database goes away, since an answer that ended in order would look like the whole file,
 * and where nobody takes the next piece for `stalledMaxMs`.
 */
async function* orInterrupt(
  pieces: AsyncIterable<string>,
  interrupt: () => void,
  stalledMaxMs: number,
): AsyncGenerator<string> {
  try {
    for await (const piece of pieces) {
      const stalled = setTimeout(interrupt, stalledMaxMs)
      try {
        yield piece
      } finally {
        clearTimeout(stalled)
      }
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    interrupt()
  }
}
