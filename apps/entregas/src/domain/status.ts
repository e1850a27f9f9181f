/** Every status of an order. The index of a status is its code in the database: append only. */
export const STATUSES = [
  'RECEIVED',
  'SEPARATED',
  'IN_TRANSIT',
  'OUT_FOR_DELIVERY',
  'DELIVERY_FAILED',
  'AVAILABLE_FOR_PICKUP',
  'DELIVERED',
  'RETURNING',
  'RETURNED',
  'CANCELLED',
  'LOST',
  'DAMAGED',
] as const
export type Status = (typeof STATUSES)[number]

/** The status machine. `IN_TRANSIT → DELIVERED` is the short path: an order whose carrier tells no more than that. */
const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  RECEIVED: ['SEPARATED', 'IN_TRANSIT', 'CANCELLED'],
  SEPARATED: ['IN_TRANSIT', 'CANCELLED'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'DELIVERED', 'LOST', 'DAMAGED'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'DELIVERY_FAILED', 'LOST', 'DAMAGED'],
  DELIVERY_FAILED: ['OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'RETURNING'],
  AVAILABLE_FOR_PICKUP: ['DELIVERED', 'RETURNING'],
  DELIVERED: [],
  RETURNING: ['RETURNED', 'LOST', 'DAMAGED'],
  RETURNED: [],
  CANCELLED: [],
  LOST: [],
  DAMAGED: [],
}

/** Delivery attempts by default; after the last one the parcel waits for pickup or goes back. */
export const TENTATIVAS_MAX = 3

/** To which status a cancellation leads: before transport it ends the order, afterwards the goods have to come back. */
const CANCELLATION: Readonly<Partial<Record<Status, Status>>> = {
  RECEIVED: 'CANCELLED',
  SEPARATED: 'CANCELLED',
  IN_TRANSIT: 'RETURNING',
  OUT_FOR_DELIVERY: 'RETURNING',
  DELIVERY_FAILED: 'RETURNING',
  AVAILABLE_FOR_PICKUP: 'RETURNING',
  DELIVERED: 'RETURNING',
}

/** What decides about an order's next status: where it is, and how many attempts failed. */
export type DeliveryState = { status: Status; tentativas: number }

/** The statuses to which a transition may lead from here, in the order of the machine. */
export const allowedStatuses = ({ status, tentativas }: DeliveryState): Status[] =>
  NEXT[status].filter((to) => !isExhausted(status, to, tentativas))

const isExhausted = (from: Status, to: Status, tentativas: number): boolean =>
  from === 'DELIVERY_FAILED' && to === 'OUT_FOR_DELIVERY' && tentativas >= TENTATIVAS_MAX

/** The statuses from which a transition may lead to `to`. */
export const statusesBefore = (to: Status): Status[] => STATUSES.filter((from) => NEXT[from].includes(to))

/** What a cancellation makes of an order; `undefined` where nothing is left to cancel. */
export const cancellationStatus = (status: Status): Status | undefined => CANCELLATION[status]

/** True where no transition leads on. */
export const isFinal = (status: Status): boolean => NEXT[status].length === 0

/** The status after this one in the automatic flow: the original's short path. */
export const automaticNext = (status: Status): Status | undefined =>
  status === 'RECEIVED' ? 'IN_TRANSIT' : status === 'IN_TRANSIT' ? 'DELIVERED' : undefined

/** Code of a status in the database, and back. */
export const statusCode = (status: Status): number => STATUSES.indexOf(status)
export const statusOfCode = (codigo: number): Status => {
  const status = STATUSES[codigo]
  if (status === undefined) throw new Error(`invariant: ${codigo} is no status`)
  return status
}

/** Statuses as bits: the guard of a statement asks for one of many. */
export const statusMask = (statuses: readonly Status[]): number =>
  statuses.reduce((bits, status) => bits | (1 << statusCode(status)), 0)

/** Why an attempt of delivery failed. */
export const FAILURE_REASONS = [
  'absent',
  'refused',
  'address_not_found',
  'moved',
  'unknown_recipient',
  'access_restricted',
  'damaged',
  'other',
] as const
export type FailureReason = (typeof FAILURE_REASONS)[number]
