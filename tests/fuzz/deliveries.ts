import { z } from 'zod'
import { operationsOf } from '../stage/openapi-document.ts'
import type { Service } from '../stage/services.ts'
import type { Surroundings } from './case.ts'

const SEEDED = 20
const CreatedSchema = z.object({ id: z.uuid() })
const TokenSchema = z.object({ token: z.string() })
const PageSchema = z.object({ proximo: z.string() })

/**
 * Receives some orders, opens a page and a webhook that tells `receiver`, and gathers what cases are made of: every documented call of
 * deliveries.
 */
export const prepareDeliveries = async (
  { urlOf, receiver }: { urlOf: (service: Service) => string; receiver: string },
  tokens: Surroundings['tokens'],
): Promise<Surroundings> => {
  const ask = async <T>(path: string, schema: z.ZodType<T>, body?: object): Promise<T> => {
    const init = body && { method: 'POST', body: JSON.stringify(body) }
    const headers = { Authorization: tokens.merchant, 'Content-Type': 'application/json' }
    const url = urlOf(path.startsWith('/webhooks') ? 'avisos' : 'entregas')
    return schema.parse(await (await fetch(url + path, { ...init, headers })).json())
  }
  const order = async (n: number): Promise<string> =>
    (await ask('/orders', CreatedSchema, { customer_name: `Ana ${n}`, address: 'Rua A', valor: `${n + 1}.00` })).id
  const orders = await Promise.all(Array.from({ length: SEEDED }, (_, n) => order(n)))
  const { id: webhook } = await ask('/webhooks', CreatedSchema, { url: receiver })
  const TestSchema = z.object({ id: z.string() })
  const { id: delivery } = await ask(`/webhooks/${webhook}/test`, TestSchema, {})
  const { token } = await ask(`/orders/${orders[0]}/tracking`, TokenSchema, {})
  const { proximo: next } = await ask('/orders?limite=5', PageSchema)
  const document = await (await fetch(`${urlOf('entregas')}/openapi.json`)).json()
  const [first, ...more] = [...operationsOf('entregas', document), ...operationsOf('avisos', document)]
  if (first === undefined) throw new Error('the document describes no call')
  return {
    operations: [first, ...more],
    ids: [...orders, webhook],
    tokens,
    cursor: next,
    known: { token: [token], d: [delivery], url: [receiver] },
  }
}
