import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import { type Client, JSON_BODY } from './client.ts'
import { percentile } from './load.ts'
import type { Report } from './report.ts'
import { type Follower, follow } from './streams.ts'

/** Over two instances, both have some; which one answers whom is nginx's choice. */
const FOLLOWERS = 6
const NOTE_EVERY_MS = 100
/** An event that waits for a buffer to fill would come after some hundred others, or never. */
const ARRIVES_WITHIN_MS = 2_000
const CAUGHT_UP_WITHIN_MS = 30_000

const VersionSchema = z.object({ id: z.uuid(), version: z.int().optional() })
const EventsSchema = z.array(z.object({ seq: z.int() }))

type Deps = { client: Client; url: string; report: Report; token: string }

/**
 * Some followers of one order, to which something happens ten times a second.
 *
 * `close` waits until all of them were told everything, and checks that each was told each event once and in order.
 */
export const gatherAudience = async ({ client, url, report, token }: Deps) => {
  const post = (path: string, body: object) =>
    client.send('POST', path, { token, headers: JSON_BODY, body: JSON.stringify(body) })
  const created = await post('/orders', { customer_name: 'Rui', address: 'Rua B, 2' })
  const { id } = VersionSchema.parse(JSON.parse(created.text))
  const followers = Array.from({ length: FOLLOWERS }, () => follow(url, `/orders/${id}/stream`, token))

  const answeredAt = new Map<number, number>()
  let [open, moment] = [true, Date.now() - 3_600_000]
  const writing = (async () => {
    while (open) {
      moment += 1
      // A note of the carrier moves nothing, so it can happen to an order for ever.
      const note = { type: 'BLQ', status: 1, occurred_at: new Date(moment).toISOString() }
      const answer = await post(`/orders/${id}/carrier-events`, note).catch(() => undefined)
      if (answer?.status === 200) {
        const { version = 0 } = VersionSchema.parse(JSON.parse(answer.text))
        answeredAt.set(version, performance.now())
      }
      await delay(NOTE_EVERY_MS)
    }
  })()

  const allEvents = async (): Promise<number[]> => {
    const seqs: number[] = []
    for (;;) {
      const { text } = await client.send('GET', `/orders/${id}/events?after=${seqs.at(-1) ?? 0}`, { token })
      const page = EventsSchema.parse(JSON.parse(text))
      if (page.length === 0) return seqs
      seqs.push(...page.map(({ seq }) => seq))
    }
  }

  return {
    close: async (): Promise<void> => {
      open = false
      await writing
      const seqs = await allEvents()
      const complete = async () => followers.every(({ told }) => told.length >= seqs.length)
      await waitFor(complete, { timeoutMs: CAUGHT_UP_WITHIN_MS }).catch(() => undefined)
      await Promise.all(followers.map((one) => one.stop()))
      judge({ report, followers, seqs, answeredAt })
    },
  }
}

const judge = (deps: {
  report: Report
  followers: readonly Follower[]
  seqs: readonly number[]
  answeredAt: ReadonlyMap<number, number>
}): void => {
  const { report, followers, seqs, answeredAt } = deps
  const right = seqs.join()
  const exact = followers.filter(({ told }) => told.map(({ seq }) => seq).join() === right)
  const cut = followers.filter((one) => one.cuts() > 0).length
  report.check(
    `${FOLLOWERS} streams: each event once and in order`,
    exact.length === FOLLOWERS && seqs.length > 0,
    `${seqs.length} events; ${exact.length} of ${FOLLOWERS} exact, ${cut} were cut and came back elsewhere`,
  )
  report.check('some of them were on the instance that went', cut > 0 && cut < FOLLOWERS, `${cut} of ${FOLLOWERS}`)
  const refusals = followers.flatMap((one) => one.refusals)
  report.check('nobody who came back was turned away', refusals.length === 0, refusals.join(', '))
  // Only who stayed: the others were told while they were away.
  const stayed = followers.filter((one) => one.cuts() === 0)
  const waits = stayed.flatMap(({ told }) =>
    told.flatMap(({ seq, atMs }) => {
      const answered = answeredAt.get(seq)
      return answered === undefined ? [] : [Math.max(0, atMs - answered)]
    }),
  )
  const [p50, p99] = [percentile(waits, 0.5), percentile(waits, 0.99)]
  report.check(
    'events are passed on as they happen',
    waits.length > 0 && p50 < ARRIVES_WITHIN_MS,
    `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms after the answer, ${waits.length} times`,
  )
}
