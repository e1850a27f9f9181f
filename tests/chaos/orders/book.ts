/** An order as its merchant sent it, under a key. */
export type SentOrder = {
  chave: string
  comerciante: string
  address: string
  /** Cents, paid on delivery. */
  centavos: number | undefined
  /** Of its 201, which every later answer must repeat. */
  id?: string
}

/** A change that a merchant asked for. Its text goes along as the event's note, so that the history tells whose it is. */
export type SentMove = {
  note: string
  orderId: string
  to: string
  /** When it happened, as the merchant says; undefined: when the service heard of it. */
  occurredAt: string | undefined
  /** What the merchant knows: the change was made, or never will be. */
  outcome: 'made' | 'refused' | undefined
}

/** The merchants' own books of their orders. */
export type Book = {
  /** Notes what is about to be sent; from then on it may be there. */
  send: (order: SentOrder) => void
  /** Notes a 201. Gives a complaint where an earlier answer had named another order. */
  acknowledge: (order: SentOrder, id: string) => string | undefined
  ask: (move: SentMove) => void
  /** By the address, which is unique here and which the database keeps. */
  orderAt: (address: string) => SentOrder | undefined
  move: (note: string) => SentMove | undefined
  orders: () => Iterable<SentOrder>
  moves: () => Iterable<SentMove>
}

export const createBook = (): Book => {
  const orders = new Map<string, SentOrder>()
  const moves = new Map<string, SentMove>()
  return {
    send: (order) => void orders.set(order.address, order),
    acknowledge: (order, id) => {
      if (order.id !== undefined && order.id !== id) return `${order.chave} was answered ${order.id} and ${id}`
      order.id = id
      return undefined
    },
    ask: (move) => void moves.set(move.note, move),
    orderAt: (address) => orders.get(address),
    move: (note) => moves.get(note),
    orders: () => orders.values(),
    moves: () => moves.values(),
  }
}
