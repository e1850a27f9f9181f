import type { FeedClient } from '@fluxo/shared/feed/client'
import { readEvent } from '@fluxo/shared/log/event'
import type { SignedLancamento } from '../projetar/projetar.ts'
import { readLancamento } from '../projetar/read-evento.ts'
import { pages } from '../reconstruir/pages.ts'

export type LedgerReading = {
  /** The last position read, `after` where there was nothing. */
  ate: number
  ultimoId: string | undefined
  epoca: string
  /** The head as the ledger's counter has it, when the last page was made. */
  ultima: number
  entriesRead: number
  /** Positions that are missing in what was read. */
  faltas: { de: number; ate: number }[]
}

export type LedgerEvent = { posicao: number; id: string | undefined; lancamento: SignedLancamento | undefined }

/** Pages for who reads beside requests: parsed within milliseconds, so that these are answered between two of them. */
export const BACKGROUND_PAGE_ROWS = 250
/** More gaps than this are told by their number only. */
const GAPS_MAX = 1_000

/** Reads a partition of the log from `after` up to and including `ate`, or its head. `visit` gets each event once, in order. */
export async function readLedger(
  feed: FeedClient,
  options: { particao: number; after?: number; ate?: number; rows?: number },
  visit: (evento: LedgerEvent) => void,
  onPage: (readings: number) => Promise<void> | void = () => {},
): Promise<LedgerReading> {
  const { after = 0, ate = Number.MAX_SAFE_INTEGER } = options
  const reading: LedgerReading = { ate: after, ultimoId: undefined, epoca: '', ultima: 0, entriesRead: 0, faltas: [] }
  for await (const page of pages(feed, { ...options, after })) {
    if (reading.epoca !== '' && reading.epoca !== page.epoca) throw new Error('the log was exchanged while it was read')
    Object.assign(reading, { epoca: page.epoca, ultima: page.ultima })
    let readings = 0
    for (const { posicao, evento } of page.eventos) {
      if (posicao <= reading.ate || posicao > ate) continue
      if (posicao > reading.ate + 1 && reading.faltas.length < GAPS_MAX) {
        reading.faltas.push({ de: reading.ate + 1, ate: posicao - 1 })
      }
      const parsed = readEvent(readLancamento, posicao, evento)
      const id = idOf(evento)
      visit({ posicao, id, lancamento: parsed.outcome === 'read' ? parsed.row : undefined })
      reading.ate = posicao
      reading.ultimoId = id
      readings += 1
    }
    reading.entriesRead += readings
    await onPage(readings)
    if (reading.ate >= ate) break
  }
  return reading
}

function idOf(evento: unknown): string | undefined {
  const id = (evento as { id?: unknown } | null)?.id
  return typeof id === 'string' ? id : undefined
}
