import { readEvent } from '@fluxo/shared/log/event'
import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { lerLancado } from '../projetar/ler-evento.ts'
import { createAgregado } from './agregado.ts'
import type { GeracaoStore } from './geracao-store.ts'
import { paginas } from './paginas.ts'

/** An event that this reader cannot apply: it stays a dead letter of the new generation. */
type Ilegivel = { posicao: number; body: string; motivo: string }

/** What the new generation holds of one partition. */
export type Sombra = {
  readonly particao: number
  /** The last position read, and the id of its event. */
  readonly posicao: number
  readonly ultimoId: string | null
  /** The log that is read; undefined before `reconhecer`. */
  readonly epoca: string | undefined
  readonly ilegiveis: readonly Ilegivel[]
  /** Asks which log it is. */
  reconhecer(): Promise<void>
  /** Reads on, up to and including `ate`, or to the head. Rejects where the log was exchanged meanwhile. */
  avancar(ate?: number): Promise<void>
  /** Writes what was added up and not written yet. */
  gravar(): Promise<void>
}

/** Days kept in memory before they are written: some 4 MB, and few enough for one statement. */
const DIAS_MAX = 20_000

type SombraDeps = {
  feed: FeedClient
  store: GeracaoStore
  geracao: number
  particao: number
  onEntradas: (quantidade: number) => void
}

/** Fills the new generation with one partition of the log. */
export function createSombra({ feed, store, geracao, particao, onEntradas }: SombraDeps): Sombra {
  const agregado = createAgregado()
  const ilegiveis: Ilegivel[] = []
  let posicao = 0
  let ultimoId: string | null = null
  let epoca: string | undefined

  const gravar = async () => {
    if (agregado.size() > 0) await store.somar(geracao, agregado.take())
  }
  const ler = (onde: number, evento: unknown) => {
    const lido = readEvent(lerLancado, onde, evento)
    if (lido.outcome === 'read') agregado.add(lido.row)
    else ilegiveis.push({ posicao: onde, body: JSON.stringify(evento), motivo: lido.reason })
    posicao = onde
    ultimoId = idDe(evento)
  }
  const avancar = async (ate = Number.MAX_SAFE_INTEGER) => {
    if (posicao >= ate) return
    for await (const page of paginas(feed, { particao, depoisDe: posicao, ate })) {
      if (page.epoca !== epoca) throw new Error('the log was exchanged during the rebuild')
      let lidas = 0
      for (const { posicao: onde, evento } of page.eventos) {
        if (onde <= posicao || onde > ate) continue
        ler(onde, evento)
        lidas += 1
      }
      onEntradas(lidas)
      if (agregado.size() >= DIAS_MAX) await gravar()
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
    ilegiveis,
    reconhecer: async () => {
      epoca = (await feed.page({ particao, depoisDe: 0, limite: 1 })).epoca
    },
    avancar,
    gravar,
  }
}

function idDe(evento: unknown): string | null {
  const id = (evento as { id?: unknown } | null)?.id
  return typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? id : null
}
