import type { Sql } from '@fluxo/shared/postgres/sql'
import { statusOfCode } from '../../../apps/entregas/src/domain/status.ts'
import type { Random } from '../../stage/random.ts'
import type { CarefulClient } from '../client.ts'
import type { Audit } from '../ledger.ts'
import type { Model } from '../model.ts'
import type { World } from '../world.ts'
import { unsettledOrders } from './at-rest.ts'
import { createBook } from './book.ts'
import { createHistory, type EventRow } from './history.ts'
import { createMerchant } from './merchant.ts'
import { createWebhooks, type WebhookCounts, type Webhooks } from './webhooks.ts'

/** The orders of a run: clients that have some, receivers of their webhooks, and what must be true of both. */
export type Orders = {
  /** Begins one order and sees it to where its merchant leaves it. */
  order: () => Promise<void>
  webhooks: Pick<Webhooks, 'go' | 'rest'>
  /** What is not as it must be yet. Where it gives nothing, the model knows what money the orders owe the ledger. */
  differences: () => Promise<string[]>
  /** What is there against the merchants' books. `fromStart` reads every event again. */
  audit: (options?: { fromStart?: boolean }) => Promise<Audit>
  counts: () => OrderCounts
  takeComplaints: () => string[]
}

export type OrderCounts = {
  orders: number
  /** Changes that merchants asked for, and those among them for which somebody else was faster. */
  moves: number
  outrun: number
  /** Entries that the ledger made of them. */
  paid: number
  reversed: number
  webhooks: WebhookCounts
}

type OrdersDeps = {
  world: World
  client: CarefulClient
  model: Model
  random: Random
  opened: (stop: () => Promise<void>) => void
}

/** The same as those who write entries, so that the money of orders falls among theirs. */
const MERCHANTS = Array.from({ length: 8 }, (_, i) => `loja-${i + 1}`)
const ROWS_AT_ONCE = 5_000

type Row = Omit<EventRow, 'status' | 'previous'> & { status: number; previous: number | null }

const eventsAfter = (orders: Sql, posicao: number) => orders<Row[]>`
  select e.posicao::float8 as posicao, e.id, e.pedido_id as "orderId", e.comerciante_id as comerciante, p.address, e.seq,
    e.status::int as status, e.anterior::int as previous, e.note, e.source, e.occurred_at as "occurredAt"
  from evento e join pedido p on p.id = e.pedido_id
  where e.particao = 0 and e.posicao > ${posicao} order by e.posicao limit ${ROWS_AT_ONCE}`

/** Registers the webhooks, which takes services that answer. */
export const createOrders = async ({ world, client, model, random, opened }: OrdersDeps): Promise<Orders> => {
  const book = createBook()
  const webhooks = await createWebhooks(world, { merchants: MERCHANTS, random }, opened)
  const urls = () => world.of('entregas').map(({ url }) => url)
  const merchant = createMerchant({ client, book, random, urls, merchants: MERCHANTS })
  let history = createHistory(book, model.owe)
  let unreached: string[] = []

  const readOn = async (): Promise<void> => {
    for (;;) {
      const rows = await eventsAfter(world.postgres.entregas.sql, history.upTo())
      for (const { status, previous, ...row } of rows)
        history.read({
          ...row,
          status: statusOfCode(status),
          previous: previous === null ? null : statusOfCode(previous),
        })
      if (rows.length < ROWS_AT_ONCE) return
    }
  }
  return {
    order: merchant.order,
    webhooks,
    differences: async () => {
      const unsettled = await unsettledOrders(world)
      if (unsettled.length > 0) return unsettled
      await readOn()
      const { waiting, lost } = await webhooks.missing()
      unreached = lost
      return [...waiting, ...lost]
    },
    audit: async ({ fromStart = false } = {}) => {
      if (fromStart) history = createHistory(book, model.owe)
      await readOn()
      const { lost, duplicated, wrong } = history.take()
      return { lost: [...lost, ...unreached], duplicated: [...duplicated, ...webhooks.doubled()], wrong }
    },
    counts: () => {
      const [moves, money] = [[...book.moves()], [...model.owed()]]
      return {
        orders: [...book.orders()].length,
        moves: moves.length,
        outrun: moves.filter(({ outcome }) => outcome === 'refused').length,
        paid: money.filter(({ tipo }) => tipo === 'CREDITO').length,
        reversed: money.filter(({ tipo }) => tipo === 'DEBITO').length,
        webhooks: webhooks.counts(),
      }
    },
    takeComplaints: webhooks.takeComplaints,
  }
}
