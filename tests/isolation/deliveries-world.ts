import { createEntregas } from '@fluxo/entregas/app'
import { createVerifier } from '@fluxo/shared/http/auth'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLifecycle } from '@fluxo/shared/process/lifecycle'
import { runModules } from '@fluxo/shared/process/run'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { createServiceDatabase, redisUrl, uniquePrefix } from '../stage/databases.ts'
import { waitFor } from '../stage/wait-for.ts'
import type { Answer, Ask, Call } from './world.ts'

const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const SCOPES = ['entregas:escrever', 'entregas:ler']
const PARTICOES = 2
const STOP_MS = 10_000
/** The orders' clock stands still, so that equal requests give equal times in every world. */
const NOW = new Date('2025-10-15T12:00:00.000Z')
const FRAME = 'event: order.status'

/** Deliveries, whole, in one process: a database and streams of their own, two partitions, nothing moves by itself. */
export const createDeliveriesWorld = async () => {
  const database = await createServiceDatabase('entregas', { particoes: PARTICOES })
  const log = createLogger({ service: 'teste', level: 'silent' })
  const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log })
  const lifecycle = createLifecycle({ log, deadlineMs: STOP_MS })
  lifecycle.defer('database', () => database.drop())
  lifecycle.defer('redis', () => redis.close())
  const registry = new Registry()
  const entregas = createEntregas({
    databaseUrl: database.appUrl,
    redis,
    verifier: createVerifier({ secret: SECRET }),
    cursorSecret: SECRET,
    particoes: PARTICOES,
    instance: 'teste',
    fluxo: { automatic: false, delayMs: 0 },
    avisos: { allowsLoopback: true },
    streamPrefix: uniquePrefix('pedidos'),
    log,
    registry,
    now: () => NOW,
  })
  const running = await runModules({
    modules: [entregas],
    port: 0,
    hostname: '127.0.0.1',
    signals: false,
    log,
    registry,
    lifecycle,
  })
  const sql = createSql({ url: database.ownerUrl, max: 1, name: 'teste' })
  const noted = async (): Promise<boolean> => {
    const heads = await sql<{ ultima: string }[]>`select ultima from posicao order by particao`
    const marks = await sql<{ ate: string }[]>`select aplicada_ate as ate from inbox_avisos order by particao`
    return heads.every(({ ultima }, i) => (marks[i]?.ate ?? '0') === ultima)
  }

  /** Asks as a merchant. A write is answered once its webhooks are noted, so each is a step of its own there. */
  const askAs = async (comercianteId: string): Promise<Ask> => {
    const token = await signToken({ secret: SECRET, comercianteId, scopes: SCOPES, expiresInSeconds: 3_600 })
    const own = new Map<string, string>()
    return async ({ operation, path: template, headers, body: sent }) => {
      const method = operation.slice(0, operation.indexOf(' '))
      const path = template.replaceAll(/~\w+/g, (name) => own.get(name) ?? name)
      const answer = await fetch(running.url + path, {
        method,
        headers: { ...headers, authorization: `Bearer ${token}` },
        ...(sent !== undefined && { body: sent }),
      })
      const body = await textOf(answer)
      if (method === 'POST' && answer.ok) await waitFor(noted, { timeoutMs: 60_000, what: 'the webhooks of a write' })
      remember(own, operation, answer.status, body)
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body }
    }
  }
  const stop = async (): Promise<void> => {
    await closeSql(sql)
    await running.stop()
  }
  return { url: running.url, askAs, stop }
}

export type DeliveriesWorld = Awaited<ReturnType<typeof createDeliveriesWorld>>

/** The whole body; of a stream, what there is up to its first event, and then it is left. */
const textOf = async (answer: Response): Promise<string> => {
  if (!(answer.headers.get('content-type') ?? '').startsWith('text/event-stream')) return answer.text()
  let text = ''
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader !== undefined && !(text.includes(FRAME) && text.endsWith('\n\n'))) {
    const { done, value = '' } = await reader.read()
    if (done) break
    text += value
  }
  await reader?.cancel()
  return text
}

/** What a merchant made last, by the names that stand for it in the paths of its requests. */
const OWN: Readonly<Record<string, readonly [name: string, status: number, field: string]>> = {
  'POST /orders': ['~pedido', 201, 'id'],
  'POST /webhooks': ['~webhook', 201, 'id'],
  'POST /webhooks/{id}/test': ['~entrega', 202, 'id'],
  'POST /orders/{id}/tracking': ['~token', 201, 'token'],
}
const remember = (own: Map<string, string>, operation: Call['operation'], status: number, body: string): void => {
  const [name, made, field] = OWN[operation] ?? []
  // The first one stays: what is tried later must not change what it is tried on.
  if (name === undefined || field === undefined || status !== made || own.has(name)) return
  own.set(name, (JSON.parse(body) as Record<string, string>)[field] ?? '')
}

/** What differs from one world to another by design: secrets and tokens, the database's clock, and how far sending has got. */
export const withoutChance = (operation: string, { status, headers, body }: Answer): Answer => {
  const text = (value = ''): string =>
    value
      .replaceAll(/whsec_[A-Za-z0-9+/=]+/g, 'whsec_S')
      .replaceAll(/(\/track\/|"token":")[\w-]{32}/g, '$1T')
      .replaceAll(/"(created_at|next_attempt_at|finished_at)":"[^"]+",?/g, '')
  const { ratelimit: _, 'ratelimit-policy': __, ...rest } = headers
  return {
    status,
    headers: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, text(value)])),
    body: (status < 300 ? CHANCE[operation]?.(body) : undefined) ?? text(body),
  }
}
/** Which kinds of events were told, and how often: deliveries of one moment have no order, and their attempts are made meanwhile. */
const deliveriesOf = (body: string): string => {
  const read = JSON.parse(body) as { itens: { type: string }[] } | { type: string }
  return inOrder(('itens' in read ? read.itens : [read]).map(({ type }) => type))
}
/** Orders that were received in one millisecond are listed by ids that chance made. */
const ordersOf = (body: string): string => {
  const { itens: items, proximo: next } = JSON.parse(body) as { itens: { id: string }[]; proximo: string | null }
  return `${inOrder(items.map(({ id, ...order }) => JSON.stringify({ ...order, id })))}, "proximo":${JSON.stringify(next)}`
}
const inOrder = (texts: readonly string[]): string => texts.toSorted((one, other) => (one < other ? -1 : 1)).join('\n')
const CHANCE: Readonly<Record<string, (body: string) => string>> = {
  'GET /orders': ordersOf,
  'GET /webhooks/{id}/deliveries': deliveriesOf,
  'POST /webhooks/{id}/test': deliveriesOf,
  'POST /webhooks/{id}/deliveries/{d}/redeliver': deliveriesOf,
}
