import { allowedStatuses, type FailureReason, type Status } from './status.ts'

/** Service (2 letters), 8 digits, check digit, country (2 letters): UPU S10. */
const CODIGO = /^[A-Z]{2}(\d{8})(\d)[A-Z]{2}$/
const WEIGHTS = [8, 6, 4, 2, 3, 5, 9, 7]

/** True for a tracking code whose check digit is right: weights 8 6 4 2 3 5 9 7, r = sum mod 11, r = 0 → 5, 1 → 0, else 11 − r. */
export function isTrackingCode(text: string): boolean {
  const [, digits, checkDigit] = CODIGO.exec(text) ?? []
  if (digits === undefined) return false
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(digits[i]), 0)
  const rest = sum % 11
  const expected = rest === 0 ? 5 : rest === 1 ? 0 : 11 - rest
  return Number(checkDigit) === expected
}

/** What an event of the carrier says: a status, a note that changes nothing, or that the event before was wrong. */
type Informe = { to: Status; reason?: FailureReason } | 'note' | 'correction'

const DELIVERY = ['BDE', 'BDI', 'BDR']
const delivery = (codigos: readonly number[], informe: Informe): [string, Informe][] =>
  DELIVERY.flatMap((tipo) => codigos.map((codigo): [string, Informe] => [`${tipo} ${codigo}`, informe]))
const from = (tipo: string, codigos: readonly number[], informe: Informe): [string, Informe][] =>
  codigos.map((codigo) => [`${tipo} ${codigo}`, informe])
const failure = (reason: FailureReason): Informe => ({ to: 'DELIVERY_FAILED', reason })

/** Types whose every code says the same. */
const BY_TIPO: ReadonlyMap<string, Informe> = new Map<string, Informe>([
  ['RO', { to: 'IN_TRANSIT' }],
  ['DO', { to: 'IN_TRANSIT' }],
  ['TRI', { to: 'IN_TRANSIT' }],
  ['PMT', { to: 'IN_TRANSIT' }],
  ['IDC', 'note'],
  ['EST', 'correction'],
])

/** The SRO table of the Correios, by type and code. */
const BY_CODIGO: ReadonlyMap<string, Informe> = new Map<string, Informe>([
  ...from('PO', [0, 1, 9], { to: 'IN_TRANSIT' }),
  ...from('CO', [1], { to: 'IN_TRANSIT' }),
  ...from('OEC', [0], { to: 'OUT_FOR_DELIVERY' }),
  ...from('LDI', [0, 1, 2, 3, 14], { to: 'AVAILABLE_FOR_PICKUP' }),
  ...delivery([0, 1], { to: 'DELIVERED' }),
  ...delivery([2, 20], failure('absent')),
  ...delivery([4], failure('refused')),
  ...delivery([6], failure('unknown_recipient')),
  ...delivery([7, 8, 19], failure('address_not_found')),
  ...delivery([10], failure('moved')),
  ...delivery([21, 26], { to: 'RETURNING' }),
  ...from('FC', [1], { to: 'RETURNING' }),
  ...from('LDE', [9], { to: 'RETURNING' }),
  ...delivery([23], { to: 'RETURNED' }),
  ...delivery([9, 43, 50, 51, 52], { to: 'LOST' }),
  ...delivery([28, 37], { to: 'DAMAGED' }),
  ...delivery([69], 'note'),
  ...from('BLQ', [1], 'note'),
  ...from('FC', [3], 'note'),
  ...from('PAR', [16, 17], 'note'),
])

/** What `type` and `status` of a carrier's event mean; `undefined` where the table does not know them. */
export const informeFor = (tipo: string, codigo: number): Informe | undefined =>
  BY_TIPO.get(tipo) ?? BY_CODIGO.get(`${tipo} ${codigo}`)

/**
 * Wherever a parcel is under way the carrier may send it back, as a cancellation does, or keep it at a unit for pickup: not
 * every place is delivered to. A merchant who asks for transitions keeps to the machine.
 */
const CARRIER_ONLY: Readonly<Partial<Record<Status, readonly Status[]>>> = {
  IN_TRANSIT: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
  OUT_FOR_DELIVERY: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
}

/**
 * The statuses through which an order goes so that it stands where the carrier says, the last one included; empty where
 * what the carrier tells changes nothing (it is late, or the order is done).
 *
 * A carrier skips events: what must have happened in between is filled in, so that no step of the machine is skipped.
 * A failed attempt is never invented. The shortest way, found breadth first; there are twelve statuses.
 */
export function pathTo(status: Status, to: Status): Status[] {
  const seen = new Set<Status>([status])
  let frontier: { at: Status; passos: Status[] }[] = [{ at: status, passos: [] }]
  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { at, passos } of frontier) {
      for (const following of nextStatuses(at)) {
        if (seen.has(following)) continue
        if (following === to) return [...passos, following]
        seen.add(following)
        if (following !== 'DELIVERY_FAILED') next.push({ at: following, passos: [...passos, following] })
      }
    }
    frontier = next
  }
  return []
}

/** The limit of attempts holds for the merchant's own requests: the carrier tells what has happened. */
const nextStatuses = (at: Status): Status[] => [
  ...allowedStatuses({ status: at, tentativas: 0 }),
  ...(CARRIER_ONLY[at] ?? []),
]
