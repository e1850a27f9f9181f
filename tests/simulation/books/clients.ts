import type { Lancamento } from '../../../apps/lancamentos/src/domain/lancamento.ts'
import type { Random } from '../../stage/random.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Consolidado } from './consolidado.ts'
import type { Lancamentos } from './lancamentos.ts'
import { descricaoOf, type Model } from './model.ts'
import type { Post, Read } from './plan.ts'

export type Clients = {
  post(post: Post): void
  read(read: Read): void
  /** Whether every request that may be repeated was answered. */
  satisfied(): boolean
}

export type ClientsDeps = {
  scheduler: Scheduler
  random: Random
  model: Model
  /** The instances that are alive. */
  lancamentos: () => Lancamentos[]
  consolidado: (instance: string) => Consolidado | undefined
  /** Whether a reader may be given this: some state in which the day has been. */
  wasOnce: (read: Read, versao: number, body: string) => boolean
}

/** A client that hears nothing for so long sends its request again, if it has a key. */
const PATIENCE_MS = 700
const AGAIN_MS = { least: 30, most: 250 }
/** When the world begins: a moment in the business day of its entries. */
const BEGIN_MS = Date.UTC(2026, 10, 21, 12)

/** Merchants: they record entries and read their days, and notice what is wrong. */
export function createClients(deps: ClientsDeps): Clients {
  const { scheduler, random, model, lancamentos, consolidado, wasOnce } = deps
  const open = new Set<number>()
  let attempts = 0

  const lancamentoOf = (post: Post): Lancamento => ({
    // A new request, a new id, as the route gives it.
    id: uuid(attempts),
    comercianteId: post.comerciante,
    tipo: post.id % 3 === 0 ? 'DEBITO' : 'CREDITO',
    valor: BigInt(post.cents),
    data: post.data,
    descricao: descricaoOf(post.id),
    createdAt: new Date(BEGIN_MS + Math.floor(scheduler.now())),
  })
  const again = (post: Post): void => {
    if (model.isAcknowledged(post.id)) return
    if (post.chave === undefined) open.delete(post.id)
    else scheduler.after(random.int(AGAIN_MS.least, AGAIN_MS.most), () => send(post))
  }
  const send = (post: Post): void => {
    const alive = lancamentos()
    const target = alive[random.int(0, alive.length - 1)]
    if (target === undefined) {
      again(post)
      return
    }
    attempts += 1
    const item = { lancamento: lancamentoOf(post), ...(post.chave !== undefined && { chave: post.chave }) }
    let waiting = true
    const once = (then: () => void) => () => {
      if (!waiting) return
      waiting = false
      cancel()
      then()
    }
    const cancel = scheduler.after(PATIENCE_MS, () => once(() => again(post))())
    target.registrar(item).then(
      (registered) => {
        once(() => {})()
        open.delete(post.id)
        const { particao, posicao, lancamento, outcome } = registered
        if (outcome !== 'created' && outcome !== 'repeated') return model.complain(`request ${post.id}: ${outcome}`)
        scheduler.note(`client  ${post.id} is told ${particao}:${posicao} (${outcome})`)
        model.acknowledged({ post: post.id, particao, posicao, id: lancamento.id })
      },
      once(() => again(post)),
    )
  }
  return {
    post: (post) => {
      open.add(post.id)
      send(post)
      if (post.twice && post.chave !== undefined) send(post)
    },
    read: (read) => {
      consolidado(read.instance)
        ?.leitor.read(read.comerciante, read.data)
        .then(
          ({ versao, body, source: origin }) => {
            scheduler.note(`client  reads ${read.comerciante} ${read.data}: version ${versao} (${origin})`)
            if (!wasOnce(read, versao, body)) model.complain(`a reader was given a day that never was: ${body}`)
          },
          () => {},
        )
    },
    satisfied: () => open.size === 0,
  }
}

const UUID_DIGITS = 12
const uuid = (number: number): string => `01a1fbc4-0000-7000-8000-${String(number).padStart(UUID_DIGITS, '0')}`
