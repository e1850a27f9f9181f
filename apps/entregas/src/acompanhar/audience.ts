import { readText } from '@fluxo/shared/log/event'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import { gauge, type Registry } from '@fluxo/shared/telemetry/metrics'
import { frame, PING, streamStep } from './acompanhar.ts'
import type { AcompanharStore, StreamItem } from './store.ts'
import { readToldEvent } from './told-event.ts'

/** Somebody who listens to one order. */
export type Listener = {
  comercianteId: string
  pedidoId: string
  /** The last `seq` that it was told. */
  sentThrough: number
  /** SHA-256 of the token by which it listens, in hex; the stream ends with the token. */
  token?: string
  /** What it may see of an event. */
  show: (item: StreamItem['item']) => StreamItem['item']
  /** Sends text; false where the client is gone or cannot keep up. */
  send: (text: string) => boolean
  /** Ends the stream: the client comes back, and begins where it was. */
  close: () => void
}

export type Audience = {
  /** Tells a listener what it missed and then what happens; gives how to leave. */
  join: (listener: Listener) => () => void
  /** An event that came live. */
  hear: (posicao: number, body: string) => void
  /** Something may have been missed: all are compared with the database. */
  compare: () => Promise<void>
  /** Who listens here. */
  count: () => number
  start: () => void
  /** Ends every stream, and takes no more. */
  close: () => void
}

type AudienceDeps = {
  store: AcompanharStore
  log: Logger
  registry: Registry
  pingMs?: number
  compareMs?: number
  /** Hears that there is somebody to tell. */
  onFirst: () => void
}

/** Proxies close what is silent for 60 s; so does a phone's network after 30. */
const PING_MS = 15_000
/** How late an event is where Redis is away, or lost it. */
const COMPARE_MS = 2_000

/** A quote within a JSON string is escaped, so no text of a merchant can look like this. */
const PEDIDO = /"order_id":"([0-9a-f-]{36})"/

type Subscription = { listener: Listener; present: boolean; reading: boolean; again: boolean; leave: () => void }

const disconnect = (subscription: Subscription): void => {
  subscription.leave()
  subscription.listener.close()
}

/** Tells a listener what happens, and reads for it what it missed. */
function createTeller(store: AcompanharStore, log: Logger) {
  const tell = (subscription: Subscription, { seq, item }: StreamItem): void => {
    const { listener } = subscription
    if (!subscription.present || streamStep(listener.sentThrough, seq) !== 'send') return
    listener.sentThrough = seq
    if (!listener.send(frame(seq, listener.show(item)))) disconnect(subscription)
  }
  /** One read at a time, and once more where something came meanwhile. */
  const catchUp = async (subscription: Subscription): Promise<void> => {
    subscription.again = true
    if (subscription.reading) return
    subscription.reading = true
    try {
      while (subscription.again && subscription.present) {
        subscription.again = false
        const { comercianteId, pedidoId, sentThrough } = subscription.listener
        for (const evento of await store.after(comercianteId, pedidoId, sentThrough)) tell(subscription, evento)
      }
    } catch (error) {
      log.warn({ err: error }, 'what a listener missed could not be read; its stream ends')
      disconnect(subscription)
    } finally {
      subscription.reading = false
    }
  }
  return { tell, catchUp }
}

/**
 * Who listens to which order in this instance.
 *
 * `seq` has no gaps, so each listener knows what it misses: an event that follows is sent as it comes, one that does not is the sign to
 * read what lies between from the database. Both ways go through the same number, so nothing is told twice.
 */
export function createAudience(deps: AudienceDeps): Audience {
  const { store, log, registry, onFirst, pingMs = PING_MS, compareMs = COMPARE_MS } = deps
  const byPedido = new Map<string, Set<Subscription>>()
  let count = 0
  let closed = false
  gauge(registry, {
    name: 'fluxo_acompanhar_ouvintes',
    help: 'Open streams of events of this instance.',
    collect() {
      this.set(count)
    },
  })
  const all = (): Subscription[] => [...byPedido.values()].flatMap((subscriptions) => [...subscriptions])
  const { tell, catchUp } = createTeller(store, log)
  const compare = async (): Promise<void> => {
    if (byPedido.size === 0) return
    const tokens = all().flatMap(({ listener }) => listener.token ?? [])
    const [versions, valid] = await Promise.all([
      store.versions([...byPedido.keys()]),
      tokens.length === 0 ? new Set<string>() : store.valid([...new Set(tokens)]),
    ])
    const behind: Promise<void>[] = []
    for (const subscription of all()) {
      const { token, pedidoId, sentThrough } = subscription.listener
      if (token !== undefined && tokens.includes(token) && !valid.has(token)) disconnect(subscription)
      else if ((versions.get(pedidoId) ?? 0) > sentThrough) behind.push(catchUp(subscription))
    }
    await Promise.all(behind)
  }
  const timers = createTimers({
    pingMs,
    compareMs,
    ping: () => {
      for (const subscription of all()) if (!subscription.listener.send(PING)) disconnect(subscription)
    },
    compare: () =>
      compare().catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log')),
  })
  return {
    join: (listener) => {
      const subscriptions = byPedido.get(listener.pedidoId) ?? new Set()
      const leave = (): void => {
        if (!subscription.present) return
        subscription.present = false
        subscriptions.delete(subscription)
        count -= 1
        if (subscriptions.size === 0) byPedido.delete(listener.pedidoId)
      }
      const subscription: Subscription = { listener, present: !closed, reading: false, again: false, leave }
      if (closed) {
        listener.close()
        return leave
      }
      subscriptions.add(subscription)
      byPedido.set(listener.pedidoId, subscriptions)
      count += 1
      if (count === 1) onFirst()
      // Listening first and reading then: what happens in between comes both ways, and is told once.
      void catchUp(subscription)
      return leave
    },
    hear: (posicao, body) => {
      if (byPedido.size === 0) return
      const subscriptions = byPedido.get(PEDIDO.exec(body)?.[1] ?? '')
      if (subscriptions === undefined) return
      const read = readText(readToldEvent, posicao, body)
      const item = read.outcome === 'read' ? read.row : undefined
      for (const subscription of [...subscriptions]) {
        const step = item === undefined ? 'gap' : streamStep(subscription.listener.sentThrough, item.seq)
        if (step === 'gap' || subscription.reading) void catchUp(subscription)
        else if (item !== undefined && step === 'send') tell(subscription, item)
      }
    },
    compare,
    count: () => count,
    start: timers.start,
    close: () => {
      closed = true
      timers.stop()
      for (const subscription of all()) disconnect(subscription)
    },
  }
}

type TimersOptions = { pingMs: number; compareMs: number; ping: () => void; compare: () => Promise<void> }

/** The two beats of the streams. A comparison begins after the one before has ended. */
function createTimers({ pingMs, compareMs, ping, compare }: TimersOptions) {
  let pings: NodeJS.Timeout | undefined
  let next: NodeJS.Timeout | undefined
  let stopped = false
  const schedule = (): void => {
    if (stopped) return
    next = setTimeout(() => void compare().then(schedule), compareMs)
    next.unref()
  }
  return {
    start: () => {
      if (pings !== undefined) return
      pings = setInterval(ping, pingMs)
      pings.unref()
      schedule()
    },
    stop: () => {
      stopped = true
      clearInterval(pings)
      clearTimeout(next)
    },
  }
}
