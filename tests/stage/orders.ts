import { type Ask, json } from './doors.ts'

/** An order as the answers show it. */
export type PedidoAnswer = {
  id: string
  status: string
  version: number
  customer_name: string
  address: string
  created_at: string
}

/** Receives an order and gives its id. */
export const receber = async (ask: Ask, fields: object = {}): Promise<string> => {
  const answer = await ask('/orders', json({ customer_name: 'Ana', address: 'Rua A, 1', ...fields }))
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`)
  return ((await answer.json()) as PedidoAnswer).id
}

/** Moves an order. */
export const mover = async (ask: Ask, id: string, status: string, fields: object = {}): Promise<void> => {
  const answer = await ask(`/orders/${id}/transitions`, json({ status, ...fields }))
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
}
