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
const SEGUINTES: Readonly<Record<Status, readonly Status[]>> = {
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
const CANCELAMENTO: Readonly<Partial<Record<Status, Status>>> = {
  RECEIVED: 'CANCELLED',
  SEPARATED: 'CANCELLED',
  IN_TRANSIT: 'RETURNING',
  OUT_FOR_DELIVERY: 'RETURNING',
  DELIVERY_FAILED: 'RETURNING',
  AVAILABLE_FOR_PICKUP: 'RETURNING',
  DELIVERED: 'RETURNING',
}

/** What decides about an order's next status: where it is, and how many attempts failed. */
export type Situacao = { status: Status; tentativas: number }

/** The statuses to which a transition may lead from here, in the order of the machine. */
export const permitidas = ({ status, tentativas }: Situacao): Status[] =>
  SEGUINTES[status].filter((para) => !esgotada(status, para, tentativas))

const esgotada = (de: Status, para: Status, tentativas: number): boolean =>
  de === 'DELIVERY_FAILED' && para === 'OUT_FOR_DELIVERY' && tentativas >= TENTATIVAS_MAX

/** The statuses from which a transition may lead to `para`. */
export const anterioresDe = (para: Status): Status[] => STATUSES.filter((de) => SEGUINTES[de].includes(para))

/** What a cancellation makes of an order; `undefined` where nothing is left to cancel. */
export const cancelamentoDe = (status: Status): Status | undefined => CANCELAMENTO[status]

/** True where no transition leads on. */
export const ehFinal = (status: Status): boolean => SEGUINTES[status].length === 0

/** The status after this one in the automatic flow: the original's short path. */
export const passoAutomatico = (status: Status): Status | undefined =>
  status === 'RECEIVED' ? 'IN_TRANSIT' : status === 'IN_TRANSIT' ? 'DELIVERED' : undefined

/** Code of a status in the database, and back. */
export const codigoDe = (status: Status): number => STATUSES.indexOf(status)
export const statusDe = (codigo: number): Status => {
  const status = STATUSES[codigo]
  if (status === undefined) throw new Error(`invariant: ${codigo} is no status`)
  return status
}

/** Statuses as bits: the guard of a statement asks for one of many. */
export const mascaraDe = (statuses: readonly Status[]): number =>
  statuses.reduce((bits, status) => bits | (1 << codigoDe(status)), 0)

/** Why an attempt of delivery failed. */
export const MOTIVOS = [
  'absent',
  'refused',
  'address_not_found',
  'moved',
  'unknown_recipient',
  'access_restricted',
  'damaged',
  'other',
] as const
export type Motivo = (typeof MOTIVOS)[number]
