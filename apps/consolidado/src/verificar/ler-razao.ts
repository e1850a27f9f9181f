import { readEvent } from '@fluxo/shared/log/event'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import type { Lancado } from '../projetar/efeito.ts'
import { lerLancado } from '../projetar/ler-evento.ts'
import { paginas } from '../reconstruir/paginas.ts'

export type Leitura = {
  /** The last position read, `depoisDe` where there was nothing. */
  ate: number
  ultimoId: string | undefined
  epoca: string
  /** The head as the ledger's counter has it, when the last page was made. */
  ultima: number
  lidos: number
  /** Positions that are missing in what was read. */
  faltas: { de: number; ate: number }[]
}

export type Evento = { posicao: number; id: string | undefined; lancado: Lancado | undefined }

/** Pages for who reads beside requests: parsed within milliseconds, so that these are answered between two of them. */
export const PAGE_ROWS_DE_FUNDO = 250
/** More gaps than this are told by their number only. */
const FALTAS_MAX = 1_000

/** Reads a partition of the log from `depoisDe` up to and including `ate`, or its head. `ver` gets each event once, in order. */
export async function lerRazao(
  feed: FeedClient,
  options: { particao: number; depoisDe?: number; ate?: number; linhas?: number },
  ver: (evento: Evento) => void,
  onPagina: (lidos: number) => Promise<void> | void = () => {},
): Promise<Leitura> {
  const { depoisDe = 0, ate = Number.MAX_SAFE_INTEGER } = options
  const leitura: Leitura = { ate: depoisDe, ultimoId: undefined, epoca: '', ultima: 0, lidos: 0, faltas: [] }
  for await (const page of paginas(feed, { ...options, depoisDe })) {
    if (leitura.epoca !== '' && leitura.epoca !== page.epoca) throw new Error('the log was exchanged while it was read')
    Object.assign(leitura, { epoca: page.epoca, ultima: page.ultima })
    let lidos = 0
    for (const { posicao, evento } of page.eventos) {
      if (posicao <= leitura.ate || posicao > ate) continue
      if (posicao > leitura.ate + 1 && leitura.faltas.length < FALTAS_MAX) {
        leitura.faltas.push({ de: leitura.ate + 1, ate: posicao - 1 })
      }
      const lido = readEvent(lerLancado, posicao, evento)
      const id = idDe(evento)
      ver({ posicao, id, lancado: lido.outcome === 'read' ? lido.row : undefined })
      leitura.ate = posicao
      leitura.ultimoId = id
      lidos += 1
    }
    leitura.lidos += lidos
    await onPagina(lidos)
    if (leitura.ate >= ate) break
  }
  return leitura
}

function idDe(evento: unknown): string | undefined {
  const id = (evento as { id?: unknown } | null)?.id
  return typeof id === 'string' ? id : undefined
}
