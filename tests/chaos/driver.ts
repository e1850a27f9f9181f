import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import type { Random } from '../stage/random.ts'
import type { CarefulClient } from './client.ts'
import type { Model } from './model.ts'
import type { Orders } from './orders/orders.ts'
import type { World } from './world.ts'
import { createWriter } from './writes.ts'

export type Driver = {
  /** Begins to write, to read and to order at its pace; receivers of webhooks have their moods. */
  go: () => void
  /** Begins no more; what is under way is seen to its end. Receivers are well. */
  pause: () => void
  /** Resolves true once everything that was begun is answered, false after `timeoutMs`. */
  settled: (timeoutMs: number) => Promise<boolean>
  stop: () => Promise<void>
}

type DriverOptions = {
  world: World
  client: CarefulClient
  model: Model
  orders: Orders
  random: Random
  rates: Rates
}
type Rates = { writesPerSecond: number; readsPerSecond: number; ordersPerSecond: number }

/** Requests under way at once: with every server away, clients wait rather than pile up. */
const WRITES_OPEN_MAX = 48
const READS_OPEN_MAX = 16
const ORDERS_OPEN_MAX = 24
const TICK_MS = 20

/** Begins `work` at a rate while `going`, with `openMax` under way at most. */
const createPacer = (
  work: () => Promise<void>,
  perSecond: number,
  openMax: number,
  failed: (error: unknown) => void,
) => {
  let open = 0
  let owed = 0
  return {
    open: () => open,
    tick: (seconds: number): void => {
      owed = Math.min(owed + seconds * perSecond, openMax)
      for (; owed >= 1 && open < openMax; owed -= 1) {
        open += 1
        void work()
          .catch(failed)
          .finally(() => {
            open -= 1
          })
      }
    },
  }
}

/** Clients that write with keys, read with positions and have orders, at a constant rate. */
export const createDriver = ({ world, client, model, orders, random, rates }: DriverOptions): Driver => {
  const writer = createWriter({
    client,
    model,
    random,
    urls: () => world.of('lancamentos').map(({ url }) => url),
  })

  /** Asks for the day of an entry at its position: the answer must contain it, and it is alone there. */
  const read = async (): Promise<void> => {
    if (writer.alone().length === 0) return
    const { comerciante, data, posicao, centavos: cents } = random.pick(writer.alone())
    const { name, url } = random.pick(world.of('consolidado'))
    const headers = { ...(await client.authorization(comerciante)), 'Fluxo-Posicao': `0:${posicao}` }
    const answer = await client.attempt(`${url}/consolidado/${data}`, { headers })
    if (answer === undefined) return
    const { quantidade, total_creditos: creditos, total_debitos: debitos } = JSON.parse(answer.body)
    if (answer.status !== 200 || quantidade !== 1 || Math.round((creditos + debitos) * 100) !== cents)
      client.complain(`${name}: ${comerciante} ${data} at ${posicao} was answered ${answer.status} ${answer.body}`)
  }

  const failed = (error: unknown) => client.complain(`the driver itself failed: ${String(error)}`)
  const writes = createPacer(writer.write, rates.writesPerSecond, WRITES_OPEN_MAX, failed)
  const reads = createPacer(read, rates.readsPerSecond, READS_OPEN_MAX, failed)
  const lives = createPacer(orders.order, rates.ordersPerSecond, ORDERS_OPEN_MAX, failed)
  const pacers = [writes, reads, lives]
  let going = false
  let over = false
  const pace = async (): Promise<void> => {
    let last = performance.now()
    while (!over) {
      await delay(TICK_MS)
      const now = performance.now()
      if (going) for (const pacer of pacers) pacer.tick((now - last) / 1_000)
      last = now
    }
  }
  const pacing = pace()
  return {
    go: () => {
      going = true
      orders.webhooks.go()
    },
    pause: () => {
      going = false
      orders.webhooks.rest()
    },
    settled: async (timeoutMs) => {
      const answered = () => pacers.every((pacer) => pacer.open() === 0)
      return (await waitUntil(answered, { timeoutMs, everyMs: TICK_MS })) && model.open() === 0
    },
    stop: async () => {
      over = true
      client.stop()
      await pacing
    },
  }
}
