import type { FeedClient } from '@fluxo/shared/feed/client'
import { readEvent } from '@fluxo/shared/log/event'
import { readLancamento } from '../projetar/read-evento.ts'
import { createDayTotals } from './day-totals.ts'
import type { GeracaoStore } from './geracao-store.ts'
import { pages } from './pages.ts'

/** An event that this reader cannot apply: it stays a dead letter of the new generation. */
type UnreadableEvento = { posicao: number; body: string; motivo: string }

/** What the new generation holds of one partition. */
export type Shadow = {
  readonly particao: number
  /** The last position read, and the id of its event. */
  readonly posicao: number
  readonly ultimoId: string | null
  /** The log that is read; undefined before `identify`. */
  readonly epoca: string | undefined
  readonly unreadable: readonly UnreadableEvento[]
  /** Asks which log it is. */
  identify(): Promise<void>
  /** Reads on, up to and including `ate`, or to the head. Rejects where the log was exchanged meanwhile. */
  advance(ate?: number): Promise<void>
  /** Writes what was added up and not written yet. */
  write(): Promise<void>
}

/** Days kept in memory before they are written: some 4 MB, and few enough for one statement. */
const DAYS_MAX = 20_000

type ShadowDeps = {
  feed: FeedClient
  store: GeracaoStore
  geracao: number
  particao: number
  onEntries: (quantidade: number) => void
}

/** Fills the new generation with one partition of the log. */
export function createShadow({ feed, store, geracao, particao, onEntries }: ShadowDeps): Shadow {
  const totals = createDayTotals()
  const unreadable: UnreadableEvento[] = []
  let posicao = 0
  let ultimoId: string | null = null
  let epoca: string | undefined

  const write = async () => {
    if (totals.size() > 0) await store.add(geracao, totals.take())
  }
  const read = (where: number, evento: unknown) => {
    const reading = readEvent(readLancamento, where, evento)
    if (reading.outcome === 'read') totals.add(reading.row)
    else unreadable.push({ posicao: where, body: JSON.stringify(evento), motivo: reading.reason })
    posicao = where
    ultimoId = idOf(evento)
  }
  const advance = async (ate = Number.MAX_SAFE_INTEGER) => {
    if (posicao >= ate) return
    for await (const page of pages(feed, { particao, after: posicao, ate })) {
      if (page.epoca !== epoca) throw new Error('the log was exchanged during the rebuild')
      let readings = 0
      for (const { posicao: where, evento } of page.eventos) {
        if (where <= posicao || where > ate) continue
        read(where, evento)
        readings += 1
      }
      onEntries(readings)
      if (totals.size() >= DAYS_MAX) await write()
      if (posicao >= ate) return
    }
  }
  return {
    particao,
    get posicao() {
      return posicao
    },
    get ultimoId() {
      return ultimoId
    },
    get epoca() {
      return epoca
    },
    unreadable,
    identify: async () => {
      epoca = (await feed.page({ particao, after: 0, limite: 1 })).epoca
    },
    advance,
    write,
  }
}

function idOf(evento: unknown): string | null {
  const id = (evento as { id?: unknown } | null)?.id
  return typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? id : null
}
