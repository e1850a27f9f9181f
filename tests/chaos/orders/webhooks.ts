import type { Sql } from '@fluxo/shared/postgres/sql'
import { createClient } from '../../stage/load.ts'
import type { Random } from '../../stage/random.ts'
import type { World } from '../world.ts'
import { type Mood, type Receiver, type ReceiverCounts, startReceiver } from './receiver.ts'

/** The webhooks of a run: a receiver for each of some merchants. */
export type Webhooks = {
  /** Receivers change their moods from now on. */
  go: () => void
  /** Every receiver is well, and stays so. */
  rest: () => void
  /**
   * Events that their receiver has not taken, each with what the service knows of it. What waits for long is asked for again,
   * as a merchant may, so that nobody has to wait for the claim of an instance that was killed.
   */
  missing: () => Promise<Missing>
  /** Events under more than one webhook-id. */
  doubled: () => string[]
  counts: () => WebhookCounts
  takeComplaints: () => string[]
}

/** `waiting`: will be sent. `lost`: the service holds it for done, or does not know of it. */
type Missing = { waiting: string[]; lost: string[] }

export type WebhookCounts = ReceiverCounts & {
  /** Events that their receiver has taken, and how often one was taken once more. */
  taken: number
  again: number
  /** Redeliveries that the merchant asked for. */
  asked: number
}

/** Merchants with a webhook. */
const RECEIVERS = 4
const CREATED = 201
const MOODS: readonly (readonly [share: number, mood: Mood])[] = [
  [0.15, 'failing'],
  [0.1, 'hanging'],
  [0.15, 'away'],
]
const MOOD_MS = [300, 2_500] as const
/** What is due later than this for a while is not waited for: it is the claim of an instance that is no more. */
const SOON = '3 seconds'
const LOT = 'lancamento.registrado'
const PATIENCE_MS = 1_500

type Hook = { id: string; comerciante: string; receiver: Receiver }
type Delivery = { webhook: string; evento: string; aviso: string; tipo: string; pending: boolean; late: boolean }

const drawMood = (random: Random): Mood => {
  let drawn = random.next()
  for (const [share, mood] of MOODS) {
    drawn -= share
    if (drawn < 0) return mood
  }
  return 'well'
}

const register = async (world: World, comerciante: string): Promise<Hook> => {
  const receiver = await startReceiver()
  const [{ url } = { url: '' }] = world.of('avisos')
  const headers = { Authorization: `Bearer ${await world.token(comerciante)}`, 'Content-Type': 'application/json' }
  const body = JSON.stringify({ url: receiver.url, events: ['order.*', 'lancamento.*'] })
  const response = await fetch(`${url}/webhooks`, { method: 'POST', headers, body })
  if (response.status !== CREATED) throw new Error(`a webhook was answered ${response.status}`)
  const { id, secret }: { id: string; secret: string } = JSON.parse(await response.text())
  receiver.trust(secret)
  return { id, comerciante, receiver }
}

/** Every event of a merchant: all of them came after its webhook. */
const eventsOf = async (orders: Sql, comerciante: string): Promise<string[]> =>
  (await orders<{ id: string }[]>`select id from evento where comerciante_id = ${comerciante}`).map(({ id }) => id)

/** What became of each delivery, by its webhook and its event. */
const deliveriesOf = async (told: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Delivery>> => {
  const rows = await told<Delivery[]>`
    select webhook_id as webhook, evento_id as evento, id as aviso, tipo, situacao = 0 as pending,
      coalesce(vence_em > now() + ${SOON}::interval, false) as late
    from aviso where webhook_id in ${told([...ids])}`
  return new Map(rows.map((row) => [`${row.webhook} ${row.evento}`, row]))
}

/** Entries of a merchant that its receiver has not taken, and the lots of which they may still come. */
const untoldOf = async ({ postgres }: World, { id: webhook, comerciante, receiver }: Hook, all: Iterable<Delivery>) => {
  const rows = await postgres.lancamentos.sql<{ id: string }[]>`
    select id from lancamentos where comerciante_id = ${comerciante}`
  const untold = rows.filter(({ id }) => !receiver.entries.has(id)).map(({ id }) => id)
  const lots = [...all].filter((one) => one.webhook === webhook && one.tipo === LOT && one.pending)
  const [queue] = await postgres.avisos.sql<{ itens: number }[]>`
    select count(*)::float8 as itens from lancamento_a_avisar where comerciante_id = ${comerciante}`
  return { untold, lots, comes: lots.length > 0 || (queue?.itens ?? 0) > 0 }
}

/** Registers the webhooks; each of their merchants has orders. */
export const createWebhooks = async (
  world: World,
  { merchants, random }: { merchants: readonly string[]; random: Random },
  opened: (stop: () => Promise<void>) => void,
): Promise<Webhooks> => {
  const hooks: Hook[] = []
  for (const comerciante of merchants.slice(0, RECEIVERS)) {
    const hook = await register(world, comerciante)
    opened(hook.receiver.stop)
    hooks.push(hook)
  }
  const client = createClient()
  const timers = new Map<Hook, NodeJS.Timeout>()
  const lateSince = new Map<string, number>()
  let asked = 0

  const change = (hook: Hook): void => {
    hook.receiver.be(drawMood(random))
    timers.set(
      hook,
      setTimeout(() => change(hook), random.int(...MOOD_MS)),
    )
  }
  const rest = (): void => {
    for (const hook of hooks) {
      clearTimeout(timers.get(hook))
      hook.receiver.be('well')
    }
  }
  opened(async () => {
    rest()
    client.close()
  })
  const redeliver = async ({ id, comerciante }: Hook, aviso: string): Promise<void> => {
    const since = lateSince.get(aviso) ?? performance.now()
    lateSince.set(aviso, since)
    if (performance.now() - since < PATIENCE_MS) return
    lateSince.delete(aviso)
    const { url } = random.pick(world.of('avisos'))
    const headers = { Authorization: `Bearer ${await world.token(comerciante)}` }
    asked += 1
    await client.send(`${url}/webhooks/${id}/deliveries/msg_${aviso}/redeliver`, { method: 'POST', headers })
  }
  return {
    go: () => hooks.forEach(change),
    rest,
    missing: async () => {
      const found: Missing = { waiting: [], lost: [] }
      const { entregas, avisos } = world.postgres
      const ids = hooks.map(({ id }) => id)
      for (const hook of hooks) {
        const events = await eventsOf(entregas.sql, hook.comerciante)
        const deliveries = await deliveriesOf(avisos.sql, ids)
        for (const evento of events.filter((one) => !hook.receiver.taken.has(one))) {
          const what = `webhook of ${hook.comerciante}: event ${evento}`
          const delivery = deliveries.get(`${hook.id} ${evento}`)
          if (delivery === undefined) found.lost.push(`${what} was never noted`)
          else if (!delivery.pending) found.lost.push(`${what} is held for delivered or given up (${delivery.aviso})`)
          else found.waiting.push(`${what} is not there yet (${delivery.aviso})`)
          if (delivery?.pending && delivery.late) await redeliver(hook, delivery.aviso)
        }
        const { untold, lots, comes } = await untoldOf(world, hook, deliveries.values())
        const what = `webhook of ${hook.comerciante}: ${untold.length} entries were not told, such as ${untold[0]}`
        if (untold.length > 0) found[comes ? 'waiting' : 'lost'].push(what)
        for (const { aviso, late } of lots) if (late) await redeliver(hook, aviso)
      }
      return found
    },
    doubled: () =>
      hooks.flatMap(({ comerciante, receiver }) =>
        [...receiver.taken]
          .filter(([, { ids }]) => ids.size > 1)
          .map(([event, { ids }]) => `webhook of ${comerciante}: event ${event} came as ${[...ids].join(' and ')}`),
      ),
    counts: () => {
      const counts: WebhookCounts = { requests: 0, stale: 0, taken: 0, again: 0, asked }
      for (const { receiver } of hooks) {
        const { requests, stale } = receiver.counts()
        counts.requests += requests
        counts.stale += stale
        counts.taken += receiver.taken.size
        for (const { times } of receiver.taken.values()) counts.again += times - 1
      }
      return counts
    },
    takeComplaints: () => hooks.flatMap(({ receiver }) => receiver.takeComplaints()),
  }
}
