import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CuttingProxy, startCuttingProxy } from '../../stage/cutting-proxy.ts'

/** An event as the receiver has taken it: under which webhook-ids, and how often. */
type Taken = { ids: Set<string>; times: number }

/** How a receiver is at a moment. `away`: nobody listens. `hanging`: it takes the request and never answers. */
export type Mood = 'well' | 'failing' | 'hanging' | 'away'

/** A merchant's receiver of webhooks, which has its moods; what it took is what it answered with 2xx. */
export type Receiver = {
  url: string
  /** Whose signatures it knows. */
  trust: (secret: string) => void
  be: (mood: Mood) => void
  /** By the id of the event. */
  taken: ReadonlyMap<string, Taken>
  /** Entries of the ledger that came in some lot. */
  entries: ReadonlySet<string>
  counts: () => ReceiverCounts
  /** What nobody may send: a wrong signature, two events under one webhook-id. Since the last call. */
  takeComplaints: () => string[]
  stop: () => Promise<void>
}

/** Requests that arrived, and those refused for their age: a sender's clock may be wrong for a while. */
export type ReceiverCounts = { requests: number; stale: number }

const TOLERANCE_SECONDS = 300
const SECRET_PREFIX = 'whsec_'
const [TAKEN, REFUSED, FAILED] = [204, 400, 500]

/** Verifies as Standard Webhooks says, in the receiver's own words. */
export const isSigned = (secret: string, headers: IncomingHttpHeaders, body: string): boolean => {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  const text = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const expected = Buffer.from(`v1,${createHmac('sha256', key).update(text).digest('base64')}`)
  return String(headers['webhook-signature'])
    .split(' ')
    .map((signature) => Buffer.from(signature))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected))
}

/** What a receiver keeps: which event came under which webhook-id. */
const createShelf = () => {
  const taken = new Map<string, Taken>()
  const events = new Map<string, string>()
  return {
    taken,
    /** Gives a complaint where the webhook-id had told of another event. */
    put: (id: string, event: string): string | undefined => {
      const known = events.get(id) ?? event
      events.set(id, known)
      const entry = taken.get(event) ?? { ids: new Set(), times: 0 }
      taken.set(event, entry)
      entry.ids.add(id)
      entry.times += 1
      return known === event ? undefined : `webhook-id ${id} told of ${known} and of ${event}`
    },
  }
}

/** Starts a receiver on a port of its own. */
export const startReceiver = async (): Promise<Receiver> => {
  const shelf = createShelf()
  const counts: ReceiverCounts = { requests: 0, stale: 0 }
  const complaints: string[] = []
  const entries = new Set<string>()
  let secret = ''
  let mood: Mood = 'well'
  const hanging = new Set<ServerResponse>()

  const judge = (headers: IncomingHttpHeaders, body: string): number => {
    if (!isSigned(secret, headers, body)) {
      complaints.push(`a webhook with a wrong signature: ${String(headers['webhook-id'])}`)
      return REFUSED
    }
    if (Math.abs(Date.now() / 1_000 - Number(headers['webhook-timestamp'])) > TOLERANCE_SECONDS) {
      counts.stale += 1
      return REFUSED
    }
    const { data }: { data: { id: string } | { itens: { id: string }[] } } = JSON.parse(body)
    if ('itens' in data) {
      for (const { id } of data.itens) entries.add(id)
      return TAKEN
    }
    const complaint = shelf.put(String(headers['webhook-id']), data.id)
    if (complaint !== undefined) complaints.push(complaint)
    return TAKEN
  }
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      counts.requests += 1
      if (mood === 'hanging') hanging.add(response)
      else
        response.writeHead(mood === 'failing' ? FAILED : judge(request.headers, Buffer.concat(parts).toString())).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const wire: CuttingProxy = await startCuttingProxy((server.address() as AddressInfo).port)
  return {
    url: `http://127.0.0.1:${wire.port}/events`,
    trust: (theirs) => {
      secret = theirs
    },
    be: (next) => {
      mood = next
      // As one that was restarted: whoever waited for it is cut off.
      for (const response of hanging) response.destroy()
      hanging.clear()
      if (next === 'away') wire.refuse('reset')
      else wire.heal()
    },
    taken: shelf.taken,
    entries,
    counts: () => ({ ...counts }),
    takeComplaints: () => complaints.splice(0),
    stop: async () => {
      await wire.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
