import { type Motivo, permitidas, type Status } from './status.ts'

/** Service (2 letters), 8 digits, check digit, country (2 letters): UPU S10. */
const CODIGO = /^[A-Z]{2}(\d{8})(\d)[A-Z]{2}$/
const PESOS = [8, 6, 4, 2, 3, 5, 9, 7]

/** True for a tracking code whose check digit is right: weights 8 6 4 2 3 5 9 7, r = sum mod 11, r = 0 → 5, 1 → 0, else 11 − r. */
export function codigoDeRastreioValido(texto: string): boolean {
  const [, digitos, verificador] = CODIGO.exec(texto) ?? []
  if (digitos === undefined) return false
  const soma = PESOS.reduce((total, peso, i) => total + peso * Number(digitos[i]), 0)
  const resto = soma % 11
  const esperado = resto === 0 ? 5 : resto === 1 ? 0 : 11 - resto
  return Number(verificador) === esperado
}

/** What an event of the carrier says: a status, a note that changes nothing, or that the event before was wrong. */
type Informe = { para: Status; reason?: Motivo } | 'nota' | 'correcao'

const ENTREGA = ['BDE', 'BDI', 'BDR']
const entrega = (codigos: readonly number[], informe: Informe): [string, Informe][] =>
  ENTREGA.flatMap((tipo) => codigos.map((codigo): [string, Informe] => [`${tipo} ${codigo}`, informe]))
const de = (tipo: string, codigos: readonly number[], informe: Informe): [string, Informe][] =>
  codigos.map((codigo) => [`${tipo} ${codigo}`, informe])
const falha = (reason: Motivo): Informe => ({ para: 'DELIVERY_FAILED', reason })

/** Types whose every code says the same. */
const POR_TIPO: ReadonlyMap<string, Informe> = new Map<string, Informe>([
  ['RO', { para: 'IN_TRANSIT' }],
  ['DO', { para: 'IN_TRANSIT' }],
  ['TRI', { para: 'IN_TRANSIT' }],
  ['PMT', { para: 'IN_TRANSIT' }],
  ['IDC', 'nota'],
  ['EST', 'correcao'],
])

/** The SRO table of the Correios, by type and code. */
const POR_CODIGO: ReadonlyMap<string, Informe> = new Map<string, Informe>([
  ...de('PO', [0, 1, 9], { para: 'IN_TRANSIT' }),
  ...de('CO', [1], { para: 'IN_TRANSIT' }),
  ...de('OEC', [0], { para: 'OUT_FOR_DELIVERY' }),
  ...de('LDI', [0, 1, 2, 3, 14], { para: 'AVAILABLE_FOR_PICKUP' }),
  ...entrega([0, 1], { para: 'DELIVERED' }),
  ...entrega([2, 20], falha('absent')),
  ...entrega([4], falha('refused')),
  ...entrega([6], falha('unknown_recipient')),
  ...entrega([7, 8, 19], falha('address_not_found')),
  ...entrega([10], falha('moved')),
  ...entrega([21, 26], { para: 'RETURNING' }),
  ...de('FC', [1], { para: 'RETURNING' }),
  ...de('LDE', [9], { para: 'RETURNING' }),
  ...entrega([23], { para: 'RETURNED' }),
  ...entrega([9, 43, 50, 51, 52], { para: 'LOST' }),
  ...entrega([28, 37], { para: 'DAMAGED' }),
  ...entrega([69], 'nota'),
  ...de('BLQ', [1], 'nota'),
  ...de('FC', [3], 'nota'),
  ...de('PAR', [16, 17], 'nota'),
])

/** What `type` and `status` of a carrier's event mean; `undefined` where the table does not know them. */
export const informeDe = (tipo: string, codigo: number): Informe | undefined =>
  POR_TIPO.get(tipo) ?? POR_CODIGO.get(`${tipo} ${codigo}`)

/**
 * Wherever a parcel is under way the carrier may send it back, as a cancellation does, or keep it at a unit for pickup: not
 * every place is delivered to. A merchant who asks for transitions keeps to the machine.
 */
const SO_DO_CORREIO: Readonly<Partial<Record<Status, readonly Status[]>>> = {
  IN_TRANSIT: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
  OUT_FOR_DELIVERY: ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
}

/**
 * The statuses through which an order goes so that it stands where the carrier says, the last one included; empty where
 * the carrier's word changes nothing (it is late, or the order is done).
 *
 * A carrier skips events: what must have happened in between is filled in, so that no step of the machine is skipped.
 * A failed attempt is never invented. The shortest way, found breadth first; there are twelve statuses.
 */
export function caminhoAte(status: Status, para: Status): Status[] {
  const vistos = new Set<Status>([status])
  let frente: { em: Status; passos: Status[] }[] = [{ em: status, passos: [] }]
  while (frente.length > 0) {
    const proxima: typeof frente = []
    for (const { em, passos } of frente) {
      for (const seguinte of seguintes(em)) {
        if (vistos.has(seguinte)) continue
        if (seguinte === para) return [...passos, seguinte]
        vistos.add(seguinte)
        if (seguinte !== 'DELIVERY_FAILED') proxima.push({ em: seguinte, passos: [...passos, seguinte] })
      }
    }
    frente = proxima
  }
  return []
}

/** The limit of attempts is the merchant's to mind: the carrier's word is about what has happened. */
const seguintes = (em: Status): Status[] => [...permitidas({ status: em, tentativas: 0 }), ...(SO_DO_CORREIO[em] ?? [])]
