import type { Followed } from './orders-state.ts'

/** Knows what merchants were told, and what followers took, and says where the product is wrong. */
export type Model = {
  /** Its complaints, in the order in which they came up. */
  readonly failures: readonly string[]
  complain(what: string): void
  accepted(order: number, known: Known): void
  orderOf(order: number): Known | undefined
  /** A request that is not repeated was not answered. */
  lost(name: string): void
  isLost(order: number): boolean
  /** The change under this key was answered with what it made. */
  changed(chave: string): void
  followed(followed: Followed): void
  readonly orders: ReadonlyMap<number, Known>
  readonly changes: ReadonlySet<string>
}

type Known = { id: string; comercianteId: string }

/** By which an order, and the event of a change, are known in the database. */
export const customerNameOf = (order: number): string => `cliente ${order}`
export const changeKeyOf = (change: number): string => `mudanca-${change}`

export function createModel(): Model {
  const failures: string[] = []
  const orders = new Map<number, Known>()
  const changes = new Set<string>()
  const lost = new Set<string>()
  const taken = new Set<string>()
  const complain = (what: string): void => void failures.push(what)
  return {
    failures,
    complain,
    orders,
    changes,
    orderOf: (order) => orders.get(order),
    accepted: (order, known) => {
      const before = orders.get(order)
      if (before !== undefined && before.id !== known.id) complain(`order ${order} was answered with two orders`)
      orders.set(order, known)
    },
    lost: (name) => void lost.add(name),
    isLost: (order) => lost.has(customerNameOf(order)),
    changed: (chave) => void changes.add(chave),
    followed: ({ group, particao, posicao }) => {
      const key = `${group} ${particao}:${posicao}`
      if (taken.has(key)) complain(`${key} was taken twice`)
      taken.add(key)
    },
  }
}
