import type { Random } from '../../stage/random.ts'

/** The contract's status machine, written down a second time: the service's own would agree with itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  RECEIVED: ['SEPARATED', 'IN_TRANSIT', 'CANCELLED'],
  SEPARATED: ['IN_TRANSIT', 'CANCELLED'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'DELIVERED', 'LOST', 'DAMAGED'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'DELIVERY_FAILED', 'LOST', 'DAMAGED'],
  DELIVERY_FAILED: ['OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'RETURNING'],
  AVAILABLE_FOR_PICKUP: ['DELIVERED', 'RETURNING'],
  RETURNING: ['RETURNED', 'LOST', 'DAMAGED'],
}
/** What a cancellation makes of an order that was sent: it comes back. */
const TURNED_BACK = ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP', 'DELIVERED']
const ATTEMPTS_MAX = 3

/** Where the automatic flow takes an order on by itself: nothing may stay there. */
export const ON_ITS_WAY: readonly string[] = ['RECEIVED', 'IN_TRANSIT']

/** Whether one event may lead from a status to the next; the first event of an order comes from none. */
export const isLegal = (from: string | null, to: string, attempts: number): boolean => {
  if (from === null) return to === 'RECEIVED'
  if (from === 'DELIVERY_FAILED' && to === 'OUT_FOR_DELIVERY') return attempts < ATTEMPTS_MAX
  return ARROWS[from]?.includes(to) === true || (to === 'RETURNING' && TURNED_BACK.includes(from))
}

/** What a merchant does next: moves the order on, turns it back, or leaves it (undefined) where it is. */
export type Wish = { to: string; cancel: boolean }

/** Weights of what may come next; the rest to 1 is to leave the order to itself. */
const WISHES: Readonly<Record<string, readonly (readonly [share: number, to: string])[]>> = {
  RECEIVED: [
    [0.75, 'SEPARATED'],
    [0.15, 'IN_TRANSIT'],
    [0.1, 'cancel'],
  ],
  SEPARATED: [
    [0.95, 'IN_TRANSIT'],
    [0.05, 'cancel'],
  ],
  IN_TRANSIT: [
    [0.9, 'OUT_FOR_DELIVERY'],
    [0.05, 'LOST'],
    [0.05, 'cancel'],
  ],
  OUT_FOR_DELIVERY: [
    [0.7, 'DELIVERED'],
    [0.3, 'DELIVERY_FAILED'],
  ],
  DELIVERY_FAILED: [
    [0.5, 'AVAILABLE_FOR_PICKUP'],
    [0.2, 'RETURNING'],
    [0.3, 'OUT_FOR_DELIVERY'],
  ],
  AVAILABLE_FOR_PICKUP: [
    [0.7, 'DELIVERED'],
    [0.2, 'RETURNING'],
  ],
  DELIVERED: [[0.4, 'cancel']],
  RETURNING: [
    [0.8, 'RETURNED'],
    [0.1, 'LOST'],
  ],
}

/** Draws the next wish for an order that stands here. A third failed attempt is not drawn on: it may not be tried again. */
export const wishFor = (status: string, attempts: number, random: Random): Wish | undefined => {
  let drawn = random.next()
  for (const [share, to] of WISHES[status] ?? []) {
    drawn -= share
    if (drawn >= 0) continue
    if (to === 'cancel') return { to: isLegal(status, 'CANCELLED', 0) ? 'CANCELLED' : 'RETURNING', cancel: true }
    return isLegal(status, to, attempts) ? { to, cancel: false } : { to: 'RETURNING', cancel: false }
  }
  return undefined
}
