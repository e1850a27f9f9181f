import type { RequestListener } from 'node:http'
import { listen } from '@fluxo/tests/stage/listen'
import { afterEach, expect, test } from 'vitest'
import { createPolicy } from '../resilience/policy.ts'
import { createFeedClient, isFeedTransient } from './client.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const policy = createPolicy({
  name: 'feed',
  deadlineMs: 2_000,
  attemptTimeoutMs: 500,
  bulkhead: { max: 2, queueMax: 2 },
  retry: { attemptsMax: 3, baseMs: 1, maxMs: 5 },
  isTransient: isFeedTransient,
})

/** A client of a real HTTP server that answers with `listener`. */
const clientOf = async (listener: RequestListener, particoes?: number) => {
  const { url: baseUrl, stop } = await listen(listener)
  closers.push(stop)
  return createFeedClient({ baseUrl, token: () => 'segredo', policy, ...(particoes !== undefined && { particoes }) })
}

const EPOCA = '11111111-1111-4111-8111-111111111111'
const json = (status: number, body: unknown): RequestListener => {
  return (_, res) => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}
const REQUEST = { particao: 2, after: 41, limite: 10 }

test('a page is asked for with the token and read with its positions', async () => {
  const seen: (string | undefined)[] = []
  const client = await clientOf((req, res) => {
    seen.push(req.url, req.headers.authorization)
    const eventos = [{ sequence: '0000000000000042', novo: true }]
    json(200, { particao: 2, ultima: 42, epoca: EPOCA, eventos, mais: 1 })(req, res)
  })
  const page = await client.page(REQUEST)
  expect(seen).toEqual(['/eventos?particao=2&depois_de=41&limite=10', 'Bearer segredo'])
  expect(page).toEqual({
    particao: 2,
    ultima: 42,
    epoca: EPOCA,
    eventos: [{ posicao: 42, evento: { sequence: '0000000000000042', novo: true } }],
  })
})

test('a log with another number of partitions is refused with both numbers, since merchants would be missing', async () => {
  const page = { particao: 2, particoes: 4, ultima: 0, epoca: EPOCA, eventos: [] }
  const client = await clientOf(json(200, page), 3)
  await expect(client.page(REQUEST)).rejects.toThrow('PARTICOES=3, but the ledger has 4')
  const same = await clientOf(json(200, page), 4)
  expect(await same.page(REQUEST)).toMatchObject({ particoes: 4 })
})

test('an outage is tried again, a refusal is not', async () => {
  let calls = 0
  const away = await clientOf((req, res) => {
    calls += 1
    json(503, {})(req, res)
  })
  await expect(away.page(REQUEST)).rejects.toMatchObject({ name: 'FeedUnavailable', status: 503 })
  expect(calls).toBe(3)
  calls = 0
  const refused = await clientOf((req, res) => {
    calls += 1
    json(403, {})(req, res)
  })
  await expect(refused.page(REQUEST)).rejects.toMatchObject({ status: 403 })
  expect(calls).toBe(1)
})

test('an answer that breaks off, or is no page, is an outage and never a page', async () => {
  const broken = await clientOf((_, res) => {
    res.writeHead(200, { 'content-length': '1000' }).write('{"particao":')
    setTimeout(() => res.destroy(), 10)
  })
  await expect(broken.page(REQUEST)).rejects.toMatchObject({ status: 0 })
  for (const body of [{}, { particao: 2, ultima: 1, epoca: EPOCA, eventos: [{ id: 1 }] }]) {
    const strange = await clientOf(json(200, body))
    await expect(strange.page(REQUEST)).rejects.toMatchObject({ status: 502 })
  }
})

test('a ledger that does not answer is given up in time, and at once when the caller leaves', async () => {
  const silent = await clientOf(() => {})
  await expect(silent.page(REQUEST)).rejects.toMatchObject({ reason: 'attempt-timeout' })
  const leaving = AbortSignal.timeout(20)
  await expect(silent.page({ ...REQUEST, signal: leaving })).rejects.toThrow()
})
