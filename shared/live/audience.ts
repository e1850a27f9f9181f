import type { Logger } from '../telemetry/logger.ts'
import { gauge, type Registry } from '../telemetry/metrics.ts'
import { frame, PING, streamStep } from './frame.ts'
import { createTimers } from './timers.ts'

/** An event of a topic as it is sent. `seq` counts those of a topic without gaps, but for old ones that are no longer kept. */
export type LiveEvent = { seq: number; event: string; data: Readonly<Record<string, unknown>> }

/** Events that a source gives at a time: what is read for a listener that is slow is not kept in memory until it has read on. */
export const EVENTS_MAX = 100

/** Where it stands what has happened. */
export type LiveSource = {
  /** The events of a merchant's topic after `seq`, in order: all of them, or the first `EVENTS_MAX`. */
  after: (comercianteId: string, topic: string, seq: number) => Promise<LiveEvent[]>
  /** The `seq` of the last event of each of these topics. */
  heads: (topics: readonly string[]) => Promise<Map<string, number>>
  /** Which of these tokens still open a stream. Asked where listeners have one. */
  valid?: (tokens: readonly string[]) => Promise<Set<string>>
}

/** Somebody who listens to one topic. */
export type Listener = {
  comercianteId: string
  /** What it listens to. No two merchants have one of the same name. */
  topic: string
  /** The last `seq` that it was told. */
  sentThrough: number
  /** SHA-256 of the token by which it listens, in hex; the stream ends with the token. */
  token?: string
  /** What it may see of an event; nothing where it did not ask for such. */
  show: (event: LiveEvent) => LiveEvent['data'] | undefined
  /** Sends text; false where there is no room for it now, or the client is gone. */
  send: (text: string) => boolean
  /** Ends the stream: the client comes back, and begins where it was. */
  close: () => void
}

type Joined = {
  leave: () => void
  /** Says that the client has read, so that there is room again. */
  goOn: () => void
}

export type Audience = {
  /** Tells a listener what it missed and then what happens. */
  join: (listener: Listener) => Joined
  /** An event that came live; `read` gives `undefined` where it is none, and is called where somebody listens. */
  hear: (topic: string, read: () => LiveEvent | undefined) => void
  /** Something may have been missed: all are compared with the database. */
  compare: () => Promise<void>
  /** Who listens here. */
  count: () => number
  start: () => void
  /** Ends every stream, and takes no more. */
  close: () => void
}

export type AudienceDeps = {
  source: LiveSource
  /** The gauge of who listens here. */
  metric: string
  log: Logger
  registry: Registry
  pingMs?: number
  /** How often everybody is compared with the source. */
  compareMs?: number
}

/** Proxies close what is silent for 60 s; so does a phone's network after 30. */
const PING_MS = 15_000
/** How late an event is where Redis is away, or lost it. */
const COMPARE_MS = 2_000

type Subscription = {
  listener: Listener
  present: boolean
  reading: boolean
  again: boolean
  /** What came last found no room. Whatever happens meanwhile is read once the client has read. */
  full: boolean
  /** There was no room at the last ping, and nothing was read since. */
  stalled: boolean
  leave: () => void
}

const disconnect = (subscription: Subscription): void => {
  subscription.leave()
  subscription.listener.close()
}

/** Tells a listener what happens, and reads for it what it missed. */
function createTeller(source: LiveSource, log: Logger) {
  const tell = (subscription: Subscription, one: LiveEvent): void => {
    const { listener, present, full } = subscription
    if (!present || full || one.seq <= listener.sentThrough) return
    const data = listener.show(one)
    subscription.full = data !== undefined && !listener.send(frame(one.seq, one.event, data))
    if (!subscription.full) listener.sentThrough = one.seq
  }
  /** One read at a time, and once more where something came meanwhile or more is left. `head` is as far as the source says that it goes. */
  const catchUp = async (subscription: Subscription, head = 0): Promise<void> => {
    subscription.again = true
    if (subscription.reading) return
    subscription.reading = true
    try {
      while (subscription.again && subscription.present && !subscription.full) {
        subscription.again = false
        const { listener } = subscription
        const events = await source.after(listener.comercianteId, listener.topic, listener.sentThrough)
        for (const one of events) tell(subscription, one)
        // What lay between is no longer kept, or was never given: it is not asked for again.
        if (events.length === 0) listener.sentThrough = Math.max(listener.sentThrough, head)
        if (events.length >= EVENTS_MAX) subscription.again = true
      }
    } catch (error) {
      log.warn({ err: error }, 'what a listener missed could not be read; its stream ends')
      disconnect(subscription)
    } finally {
      subscription.reading = false
    }
  }
  const goOn = (subscription: Subscription): void => {
    subscription.stalled = false
    if (!subscription.full) return
    subscription.full = false
    void catchUp(subscription)
  }
  return { tell, catchUp, goOn }
}

/**
 * Who listens to which topic in this instance.
 *
 * `seq` has no gaps, so each listener knows what it misses: an event that follows is sent as it comes, one that does not is the sign to
 * read what lies between from the database. Both ways go through the same number, so nothing is told twice.
 */
export function createAudience(deps: AudienceDeps): Audience {
  const { source, metric, log, registry, pingMs = PING_MS, compareMs = COMPARE_MS } = deps
  const byTopic = new Map<string, Set<Subscription>>()
  let count = 0
  let closed = false
  gauge(registry, {
    name: metric,
    help: 'Open streams of events of this instance.',
    collect() {
      this.set(count)
    },
  })
  const all = (): Subscription[] => [...byTopic.values()].flatMap((subscriptions) => [...subscriptions])
  const { tell, catchUp, goOn } = createTeller(source, log)
  const compare = async (): Promise<void> => {
    if (byTopic.size === 0) return
    const tokens = all().flatMap(({ listener }) => listener.token ?? [])
    const [heads, valid] = await Promise.all([
      source.heads([...byTopic.keys()]),
      tokens.length === 0 ? undefined : source.valid?.([...new Set(tokens)]),
    ])
    const behind: Promise<void>[] = []
    for (const subscription of all()) {
      const { token, topic, sentThrough } = subscription.listener
      if (token !== undefined && tokens.includes(token) && valid?.has(token) === false) disconnect(subscription)
      else if ((heads.get(topic) ?? 0) > sentThrough) behind.push(catchUp(subscription, heads.get(topic)))
    }
    await Promise.all(behind)
  }
  const timers = createTimers({
    pingMs,
    compareMs,
    ping: () => {
      for (const subscription of all()) {
        const noRoom = subscription.full || !subscription.listener.send(PING)
        if (noRoom && subscription.stalled) disconnect(subscription)
        else subscription.stalled = noRoom
      }
    },
    compare: () =>
      compare().catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log')),
  })
  return {
    join: (listener) => {
      const subscriptions = byTopic.get(listener.topic) ?? new Set()
      const leave = (): void => {
        if (!subscription.present) return
        subscription.present = false
        subscriptions.delete(subscription)
        count -= 1
        if (subscriptions.size === 0) byTopic.delete(listener.topic)
      }
      const states = { reading: false, again: false, full: false, stalled: false }
      const subscription: Subscription = { listener, present: !closed, ...states, leave }
      const joined = { leave, goOn: () => goOn(subscription) }
      if (closed) {
        listener.close()
        return joined
      }
      subscriptions.add(subscription)
      byTopic.set(listener.topic, subscriptions)
      count += 1
      // Listening first and reading then: what happens in between comes both ways, and is told once.
      void catchUp(subscription)
      return joined
    },
    hear: (topic, read) => {
      const subscriptions = byTopic.get(topic)
      if (subscriptions === undefined) return
      const event = read()
      for (const subscription of [...subscriptions]) {
        const step = event === undefined ? 'gap' : streamStep(subscription.listener.sentThrough, event.seq)
        if (step === 'gap' || subscription.reading) void catchUp(subscription)
        else if (event !== undefined && step === 'send') tell(subscription, event)
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
