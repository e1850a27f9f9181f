import { DomainError } from '@fluxo/shared/errors'
import { cancelPedido, transitionPedido } from '../../../apps/entregas/src/mover/change-pedido.ts'
import { receberPedido } from '../../../apps/entregas/src/receber/receber.ts'
import type { Random } from '../../stage/random.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Entregas } from './entregas.ts'
import { changeKeyOf, customerNameOf, type Model } from './model.ts'
import type { OrdersState } from './orders-state.ts'
import type { Change, Order } from './plan.ts'
import type { Servers } from './servers.ts'

export type Clients = {
  order(order: Order): void
  change(change: Change): void
  /** Whether every request that may be repeated was answered. */
  satisfied(): boolean
}

export type ClientsDeps = {
  scheduler: Scheduler
  random: Random
  model: Model
  /** The database, to judge answers by. */
  orders: OrdersState
  servers: Pick<Servers, 'now' | 'newId'>
  /** The instances that are alive. */
  entregas: () => Entregas[]
}

/** A client that hears nothing for so long sends its request again, if it has a key. */
const PATIENCE_MS = 700
const AGAIN_MS = { least: 30, most: 250 }
/** A change waits for its order to be known. */
const UNKNOWN_MS = 40

/** One request until it is answered. */
type Request = {
  name: string
  repeats: boolean
  /** Sends it to an instance. Resolves once it is done, rejects where it is refused or not known. */
  send: (target: Entregas) => Promise<void>
  refused: (error: DomainError) => void
}

/** Merchants: they place orders, move and cancel them, and notice what is wrong with the answers. */
export function createClients(deps: ClientsDeps): Clients {
  const { scheduler, model } = deps
  const open = new Set<string>()
  const versions = new Map<number, number>()
  const send = createSender(deps, open)
  const begin = (request: Request, twice: boolean): void => {
    open.add(request.name)
    send(request)
    if (twice && request.repeats) send(request)
  }
  const change = (asked: Change): void => {
    const pedidoId = model.orderOf(asked.order)?.id
    const name = changeKeyOf(asked.id)
    if (pedidoId !== undefined) {
      open.delete(name)
      begin(changeOf(deps, asked, pedidoId, versions), asked.twice)
      return
    }
    // The order of a request that is not repeated may never become known.
    if (model.isLost(asked.order)) {
      open.delete(name)
      return
    }
    open.add(name)
    scheduler.after(UNKNOWN_MS, () => change(asked))
  }
  return {
    order: (asked) => {
      const request = orderOf(deps, asked, versions)
      begin(request, asked.twice)
    },
    change,
    satisfied: () => open.size === 0,
  }
}

const createSender = ({ scheduler, random, model, entregas }: ClientsDeps, open: Set<string>) => {
  const again = (request: Request): void => {
    if (!open.has(request.name)) return
    if (request.repeats) scheduler.after(random.int(AGAIN_MS.least, AGAIN_MS.most), () => send(request))
    else {
      open.delete(request.name)
      model.lost(request.name)
    }
  }
  const send = (request: Request): void => {
    if (!open.has(request.name)) return
    const alive = entregas()
    const target = alive[random.int(0, alive.length - 1)]
    if (target === undefined) {
      again(request)
      return
    }
    let waiting = true
    const done = (): boolean => {
      const first = waiting
      waiting = false
      cancel()
      return first
    }
    const cancel = scheduler.after(PATIENCE_MS, () => {
      if (done()) again(request)
    })
    request.send(target).then(
      () => {
        done()
        scheduler.note(`client  ${request.name} is done`)
        open.delete(request.name)
      },
      (error: unknown) => {
        if (!done()) return
        if (!(error instanceof DomainError)) return again(request)
        scheduler.note(`client  ${request.name} is refused: ${error.codigo}`)
        request.refused(error)
        open.delete(request.name)
      },
    )
  }
  return send
}

function orderOf({ model, servers, orders }: ClientsDeps, asked: Order, versions: Map<number, number>): Request {
  const { id, comerciante: comercianteId, chave, cents } = asked
  const { now, newId } = servers
  return {
    name: customerNameOf(id),
    repeats: chave !== undefined,
    send: async ({ receber }) => {
      const input = {
        customerName: customerNameOf(id),
        address: 'Rua A, 1',
        ...(cents !== undefined && { valor: BigInt(cents) }),
        referencia: `ref-${id}`,
      }
      const pedido = receberPedido(input, { comercianteId, id: newId(), now: now() })
      const received = await receber({ pedido, eventoId: newId(), actor: comercianteId, source: 'api', chave })
      const { outcome } = received
      if (outcome !== 'created' && outcome !== 'repeated') return model.complain(`order ${id}: ${outcome}`)
      if (!orders.orders.has(received.pedido.id)) model.complain(`order ${id} was accepted and is not in the database`)
      if (!versions.has(id)) versions.set(id, 1)
      model.accepted(id, { id: received.pedido.id, comercianteId })
    },
    refused: ({ codigo }) => model.complain(`order ${id} was refused: ${codigo}`),
  }
}

function changeOf(
  { model, orders }: ClientsDeps,
  asked: Change,
  pedidoId: string,
  versions: Map<number, number>,
): Request {
  const chave = changeKeyOf(asked.id)
  const version = asked.guarded ? versions.get(asked.order) : undefined
  const comercianteId = model.orderOf(asked.order)?.comercianteId ?? ''
  const made = () => orders.events.filter((event) => event.pedido_id === pedidoId && event.chave === chave)
  return {
    name: chave,
    repeats: true,
    send: async ({ mudar: transitions }) => {
      const madeBefore = made().length > 0
      const requester = { comercianteId, pedidoId, chave }
      const guard = version === undefined ? {} : { version }
      const reason = asked.to === 'DELIVERY_FAILED' ? ({ reason: 'absent' } as const) : {}
      const answer =
        asked.to === 'cancel'
          ? cancelPedido(transitions, requester, guard)
          : transitionPedido(transitions, requester, { status: asked.to, ...guard, ...reason })
      const { pedido } = await answer.catch((error: unknown) => {
        if (madeBefore && error instanceof DomainError) model.complain(`${chave} was made, and then ${error.codigo}`)
        throw error
      })
      const [event] = made()
      if (event === undefined) return model.complain(`${chave} was answered and is not in the history`)
      if (version !== undefined && event.seq !== version + 1)
        model.complain(`${chave} asked for version ${version} and became event ${event.seq}`)
      versions.set(asked.order, Math.max(versions.get(asked.order) ?? 0, pedido.version))
      model.changed(chave)
    },
    refused: ({ codigo }) => {
      if (codigo !== 'transicao-invalida' && codigo !== 'versao-desatualizada')
        model.complain(`${chave} was refused: ${codigo}`)
    },
  }
}
