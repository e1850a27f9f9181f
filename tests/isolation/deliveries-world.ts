import { avisosModule } from '../stage/modules/avisos.ts'
import { entregasModule } from '../stage/modules/entregas.ts'
import { feedOf } from '../stage/modules/parts.ts'
import { startTogether } from '../stage/together.ts'
import { merchantBearer } from '../stage/tokens.ts'
import { type Answer, type Ask, type Call, PARTICOES, sendAs } from './world.ts'

/** One moment for both worlds. Nobody is told of what happened a month ago. */
const NOW = new Date()
const FRAME = /^event: /m

/** Deliveries and who is told of them, whole, in one process, two partitions; nothing moves by itself. */
export const createDeliveriesWorld = async () => {
  const services = ['entregas', 'avisos'] as const
  const { url, sql, stop } = await startTogether({ services, particoes: PARTICOES }, (of) => {
    const now = () => NOW
    const entregas = entregasModule({ ...of('entregas'), now })
    const { streamPrefix } = of('entregas')
    const pedidos = { ...feedOf(entregas, '/entregas'), streamPrefix }
    return [entregas, avisosModule({ ...of('avisos'), pedidos, webhooks: { allowsLoopback: true }, now })]
  })
  const settled = async (): Promise<boolean> => {
    const heads = await sql.entregas<{ ultima: string }[]>`select ultima from posicao order by particao`
    const marks = await sql.avisos<{ ate: string }[]>`select aplicada_ate as ate from inbox_pedidos order by particao`
    return heads.every(({ ultima }, i) => (marks[i]?.ate ?? '0') === ultima)
  }
  /** Asks as a merchant. A write is answered once its webhooks are noted. */
  const askAs = async (comercianteId: string): Promise<Ask> => {
    const authorization = await merchantBearer(comercianteId)
    const own = new Map<string, string>()
    return async (call) => {
      const path = call.path.replaceAll(/~\w+/g, (name) => own.get(name) ?? name)
      const answer = await sendAs({ url, settled }, authorization, { ...call, path }, textOf)
      remember(own, call.operation, answer.status, answer.body)
      return answer
    }
  }
  return { url, askAs, stop }
}

export type DeliveriesWorld = Awaited<ReturnType<typeof createDeliveriesWorld>>

/** The whole body; of a stream, what there is up to its first event, and then it is left. */
const textOf = async (answer: Response): Promise<string> => {
  if (!(answer.headers.get('content-type') ?? '').startsWith('text/event-stream')) return answer.text()
  let text = ''
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader !== undefined && !(FRAME.test(text) && text.endsWith('\n\n'))) {
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
/** The number and the type of the first event: how many more have come by then is chance. */
const firstOf = (body: string): string => /^id: .*\nevent: .*$/m.exec(body)?.[0] ?? body
const CHANCE: Readonly<Record<string, (body: string) => string>> = {
  'GET /orders': ordersOf,
  'GET /avisos/stream': firstOf,
  'GET /webhooks/{id}/deliveries': deliveriesOf,
  'POST /webhooks/{id}/test': deliveriesOf,
  'POST /webhooks/{id}/deliveries/{d}/redeliver': deliveriesOf,
}
