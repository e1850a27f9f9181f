import type { CsvFormat } from '@fluxo/shared/csv/writer'
import { Indisponivel } from '@fluxo/shared/errors'
import { csvHeaders } from '@fluxo/shared/http/csv-format'
import { type AppEnv, nodeOf } from '@fluxo/shared/http/env'
import { createShares } from '@fluxo/shared/shares'
import type { Context } from 'hono'
import { exportar } from './exportar.ts'
import type { Filtros } from './listar.ts'
import type { LeituraStore } from './store.ts'

/** Files that an instance writes at a time, and those of one merchant: each reads as fast as it is read itself. */
const ARQUIVOS_MAX = 8
const ARQUIVOS_DE_UM_MAX = 2
/** A client that takes nothing for so long is gone; its place is somebody else's. */
const PARADO_MAX_MS = 60_000
const RETRY_AFTER_SECONDS = 5

type Pedido = { filtros: Filtros; format: CsvFormat }

/** Answers with the entries of a query as a file that is written while it is read. */
export function createArquivos({
  leitura,
  paradoMaxMs = PARADO_MAX_MS,
}: {
  leitura: LeituraStore
  paradoMaxMs?: number | undefined
}) {
  const shares = createShares({ max: ARQUIVOS_MAX, ownerMax: ARQUIVOS_DE_UM_MAX })
  return (c: Context<AppEnv>, { filtros, format }: Pedido): Response => {
    const comercianteId = c.get('comercianteId')
    if (!shares.take(comercianteId)) {
      throw new Indisponivel(
        'arquivos-demais',
        'Há arquivos demais a caminho. Espere que um termine.',
        RETRY_AFTER_SECONDS,
      )
    }
    const outgoing = nodeOf(c)?.outgoing
    outgoing?.once('close', () => shares.give(comercianteId))
    const interromper = (): void => {
      outgoing?.destroy()
    }
    const trechos = exportar((...busca) => leitura.listar(comercianteId, ...busca), filtros, format)
    const corpo = ReadableStream.from(ouInterromper(trechos, interromper, paradoMaxMs))
    return new Response(corpo.pipeThrough(new TextEncoderStream()), {
      headers: { ...csvHeaders('lancamentos.csv'), 'Cache-Control': 'private, no-store' },
    })
  }
}

/**
 * Breaks the connection off where the database goes away, since an answer that ended in order would look like the whole file,
 * and where nobody takes the next piece for `paradoMaxMs`.
 */
async function* ouInterromper(
  trechos: AsyncIterable<string>,
  interromper: () => void,
  paradoMaxMs: number,
): AsyncGenerator<string> {
  try {
    for await (const trecho of trechos) {
      const parado = setTimeout(interromper, paradoMaxMs)
      try {
        yield trecho
      } finally {
        clearTimeout(parado)
      }
    }
  } catch (erro) {
    if (!(erro instanceof Indisponivel)) throw erro
    interromper()
  }
}
