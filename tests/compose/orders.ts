import { signToken } from '@fluxo/shared/http/tokens'
import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import { amount } from './books.ts'
import type { Client } from './client.ts'

export const ORDER_SCOPES = ['entregas:escrever', 'entregas:ler', 'consolidado:ler', 'lancamentos:ler']

/** The orders that were answered with 201, by merchant: what must have been delivered, and paid, in the end. */
export type Orders = {
  merchants: readonly string[]
  tokenOf: (merchant: string) => string
  add: (merchant: string, id: string, cents: bigint) => void
  idsOf: (merchant: string) => readonly string[]
  count: () => number
  /** Waits until every order's money is in the balances, once; gives the merchants where it is not. */
  differences: (client: Client) => Promise<string[]>
}

const TOKEN_SECONDS = 3_600
/** Two steps of a second each, the ledger and the projection, on a loaded machine. */
const DELIVERED_WITHIN_MS = 90_000
const DAY_MS = 86_400_000

const PeriodSchema = z.object({ total_creditos: z.number(), dias: z.array(z.object({ quantidade: z.number() })) })

/** Orders of merchants who do nothing else, so that their balance is the money of their orders. */
export const createOrders = async (secret: string, merchants: readonly string[]): Promise<Orders> => {
  const tokens = new Map<string, string>()
  for (const comercianteId of merchants) {
    const token = await signToken({ secret, comercianteId, scopes: ORDER_SCOPES, expiresInSeconds: TOKEN_SECONDS })
    tokens.set(comercianteId, token)
  }
  const taken = new Map(merchants.map((merchant) => [merchant, { ids: [] as string[], cents: 0n }]))
  const tokenOf = (merchant: string) => tokens.get(merchant) ?? ''

  const differenceOf = async (client: Client, merchant: string): Promise<string | undefined> => {
    const { ids = [], cents = 0n } = taken.get(merchant) ?? {}
    // The day of a delivery is the day in Sao Paulo, and the test may run at midnight.
    const [from, to] = [-1, 1].map((days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10))
    const path = `/consolidado?de=${from}&ate=${to}`
    const { status, text } = await client.send('GET', path, { token: tokenOf(merchant) })
    if (status !== 200) return `${merchant}: ${status}`
    const { total_creditos: shown, dias: shownDays } = PeriodSchema.parse(JSON.parse(text))
    const quantidade = shownDays.reduce((sum, day) => sum + day.quantidade, 0)
    // Sums of the test stay far below 2^53 cents, where a double with two decimals is exact.
    const [is, right] = [`${shown.toFixed(2)} ${quantidade}`, `${amount(cents)} ${ids.length}`]
    return is === right ? undefined : `${merchant}: ${is} instead of ${right}`
  }

  return {
    merchants,
    tokenOf,
    add: (merchant, id, cents) => {
      const mine = taken.get(merchant)
      if (mine === undefined) throw new Error('invariant: a merchant of these orders')
      mine.ids.push(id)
      mine.cents += cents
    },
    idsOf: (merchant) => taken.get(merchant)?.ids ?? [],
    count: () => [...taken.values()].reduce((sum, { ids }) => sum + ids.length, 0),
    differences: async (client) => {
      let left: string[] = []
      const exact = async () => {
        left = (await Promise.all(merchants.map((one) => differenceOf(client, one)))).filter(
          (line) => line !== undefined,
        )
        return left.length === 0
      }
      await waitFor(exact, { timeoutMs: DELIVERED_WITHIN_MS, intervalMs: 500, what: 'the money of the orders' }).catch(
        () => undefined,
      )
      return left
    },
  }
}
