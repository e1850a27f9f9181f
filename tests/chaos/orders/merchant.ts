import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../stage/random.ts'
import type { CarefulClient } from '../client.ts'
import type { Book, SentOrder } from './book.ts'
import { wishFor } from './machine.ts'
import { type Ask, createMover, type Known } from './mover.ts'

type MerchantDeps = {
  client: CarefulClient
  book: Book
  random: Random
  urls: () => string[]
  /** Who has orders. */
  merchants: readonly string[]
}

/** Orders with something to pay; orders whose merchant moves them, rather than only the automatic flow. */
const PAID = 0.7
const BY_HAND = 0.55
/** Of the others, those that their merchant waits for and may turn back after the delivery. */
const WATCHED = 0.4
/** One creation in so many is sent again after its 201, as if that had been lost. */
const AGAIN = 0.05
const CENTS_MAX = 50_000
const LOOK_EVERY_MS = 250
const [OK, CREATED] = [200, 201]

/** A merchant with orders: creates them, moves some by hand in a race with the flow, and keeps the books. */
export const createMerchant = ({ client, book, random, urls, merchants }: MerchantDeps) => {
  let number = 0

  /** Asks one instance after the other until one answers; undefined when the run is over. */
  const ask: Ask = async (comerciante, path, body, chave) => {
    const headers = {
      ...(await client.authorization(comerciante)),
      ...(body && { 'Content-Type': 'application/json' }),
      ...(chave && { 'Idempotency-Key': `"${chave}"` }),
    }
    const request = { method: body ? 'POST' : 'GET', headers, ...(body && { body: JSON.stringify(body) }) }
    const addresses = random.shuffle(urls()).map((url) => `${url}${path}`)
    return client.persist(addresses, request)
  }
  const move = createMover({ ask, client, book, random })
  const create = async (order: SentOrder): Promise<string | undefined> => {
    const { chave, comerciante, address, centavos: cents } = order
    const valor = cents === undefined ? {} : { valor: (cents / 100).toFixed(2) }
    const answer = await ask(comerciante, '/orders', { customer_name: 'Ana Souza', address, ...valor }, chave)
    if (answer === undefined) return undefined
    if (answer.status !== CREATED) client.complain(`${chave} was answered ${answer.status}: ${answer.body}`)
    const { id } = JSON.parse(answer.body)
    const wrong = book.acknowledge(order, id)
    if (wrong !== undefined) client.complain(wrong)
    return id
  }
  /** Reads the order; what its merchant counts itself is kept. */
  const look = async (comerciante: string, { id, attempts }: Known): Promise<Known | undefined> => {
    const answer = await ask(comerciante, `/orders/${id}`)
    if (answer === undefined) return undefined
    if (answer.status !== OK) client.complain(`order ${id} was answered ${answer.status}: ${answer.body}`)
    const { status, version } = JSON.parse(answer.body)
    return { id, status, version, attempts }
  }
  /** Moves an order on until it is at its end, or is left to itself. */
  const carry = async (comerciante: string, from: Known): Promise<void> => {
    let known: Known | undefined = from
    while (known !== undefined) {
      const wish = wishFor(known.status, known.attempts, random)
      if (wish === undefined) return
      const made = await move(comerciante, known, wish)
      const failed = made && wish.to === 'DELIVERY_FAILED' ? 1 : 0
      known = await look(comerciante, { ...known, attempts: known.attempts + failed })
    }
  }
  /** Looks at an order until the flow has delivered it. */
  const watch = async (comerciante: string, from: Known): Promise<Known | undefined> => {
    let known: Known | undefined = from
    while (known !== undefined && known.status !== 'DELIVERED') {
      await delay(LOOK_EVERY_MS)
      known = await look(comerciante, known)
    }
    return known
  }

  return {
    /** One order, from its creation to where its merchant leaves it. */
    order: async (): Promise<void> => {
      number += 1
      const chave = `p-${number}`
      const cents = random.chance(PAID) ? random.int(1, CENTS_MAX) : undefined
      const comerciante = random.pick(merchants)
      const order: SentOrder = { chave, comerciante, address: `Rua das Flores, ${number}`, centavos: cents }
      book.send(order)
      const id = await create(order)
      if (id === undefined) return
      if (random.chance(AGAIN)) await create(order)
      const received = { id, status: 'RECEIVED', version: 1, attempts: 0 }
      if (random.chance(BY_HAND)) return carry(comerciante, received)
      if (!random.chance(WATCHED)) return
      const delivered = await watch(comerciante, received)
      if (delivered !== undefined) await carry(comerciante, delivered)
    },
  }
}
