import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { caminhoAte, codigoDeRastreioValido, informeDe } from './correios.ts'
import {
  anterioresDe,
  cancelamentoDe,
  codigoDe,
  ehFinal,
  mascaraDe,
  passoAutomatico,
  permitidas,
  STATUSES,
  type Status,
  statusDe,
  TENTATIVAS_MAX,
} from './status.ts'

/** The machine as the contract draws it, an arrow each: nothing of the implementation. */
const SETAS: readonly (readonly [Status, Status])[] = [
  ['RECEIVED', 'SEPARATED'],
  ['SEPARATED', 'IN_TRANSIT'],
  ['IN_TRANSIT', 'OUT_FOR_DELIVERY'],
  ['OUT_FOR_DELIVERY', 'DELIVERED'],
  ['OUT_FOR_DELIVERY', 'DELIVERY_FAILED'],
  ['DELIVERY_FAILED', 'OUT_FOR_DELIVERY'],
  ['DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP'],
  ['DELIVERY_FAILED', 'RETURNING'],
  ['AVAILABLE_FOR_PICKUP', 'DELIVERED'],
  ['AVAILABLE_FOR_PICKUP', 'RETURNING'],
  ['RETURNING', 'RETURNED'],
  ['RECEIVED', 'CANCELLED'],
  ['SEPARATED', 'CANCELLED'],
  ['IN_TRANSIT', 'LOST'],
  ['IN_TRANSIT', 'DAMAGED'],
  ['OUT_FOR_DELIVERY', 'LOST'],
  ['OUT_FOR_DELIVERY', 'DAMAGED'],
  ['RETURNING', 'LOST'],
  ['RETURNING', 'DAMAGED'],
  ['RECEIVED', 'IN_TRANSIT'],
  ['IN_TRANSIT', 'DELIVERED'],
]
const PARES = STATUSES.flatMap((de) => STATUSES.map((para) => [de, para] as const))

describe('the status machine', () => {
  test.each(PARES)('%s → %s is allowed exactly where the contract draws an arrow', (de, para) => {
    const seta = SETAS.some(([a, b]) => a === de && b === para)
    expect(permitidas({ status: de, tentativas: 0 }).includes(para)).toBe(seta)
    expect(anterioresDe(para).includes(de)).toBe(seta)
  })

  test('after the last attempt the parcel is not taken out again', () => {
    const falhou = (tentativas: number) => permitidas({ status: 'DELIVERY_FAILED', tentativas })
    expect(falhou(TENTATIVAS_MAX - 1)).toContain('OUT_FOR_DELIVERY')
    expect(falhou(TENTATIVAS_MAX)).toEqual(['AVAILABLE_FOR_PICKUP', 'RETURNING'])
  })

  test('final are exactly delivered, returned, cancelled, lost and damaged', () => {
    expect(STATUSES.filter(ehFinal)).toEqual(['DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'])
  })

  test('a cancellation ends an order before transport, turns it back afterwards, and is refused at the end', () => {
    expect(STATUSES.map((status) => cancelamentoDe(status) ?? '-')).toEqual([
      'CANCELLED',
      'CANCELLED',
      ...Array(5).fill('RETURNING'),
      ...Array(5).fill('-'),
    ])
  })

  test('the automatic flow walks the original’s short path, and every step of it is allowed', () => {
    let status: Status | undefined = 'RECEIVED'
    const andado: Status[] = []
    for (; status !== undefined; status = passoAutomatico(status)) andado.push(status)
    expect(andado).toEqual(['RECEIVED', 'IN_TRANSIT', 'DELIVERED'])
  })

  test('a status survives its code, and a mask holds exactly its statuses', () => {
    fc.assert(
      fc.property(fc.subarray([...STATUSES]), (alguns) => {
        const bits = mascaraDe(alguns)
        expect(STATUSES.filter((status) => bits & (1 << codigoDe(status)))).toEqual(alguns)
      }),
    )
    expect(STATUSES.map((status) => statusDe(codigoDe(status)))).toEqual([...STATUSES])
    expect(() => statusDe(99)).toThrow('99 is no status')
  })
})

describe('the carrier', () => {
  test.each(['DL077986616BR', 'SQ458226057BR', 'RA132678652BR', 'SX142052885BR', 'RR473124829GB', 'RR123456785TR'])(
    '%s is a tracking code',
    (codigo) => expect(codigoDeRastreioValido(codigo)).toBe(true),
  )

  test.each(['SS123456789BR', 'SE987654321BR', 'DL077986616', 'dl077986616BR', 'DL07798661６BR', '', "'; drop--"])(
    '%j is none',
    (codigo) => expect(codigoDeRastreioValido(codigo)).toBe(false),
  )

  test('any single wrong digit is noticed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 9 }), (i, mais) => {
        const certo = 'DL077986616BR'
        const errado = certo.slice(0, i) + String((Number(certo[i]) + mais) % 10) + certo.slice(i + 1)
        expect(codigoDeRastreioValido(errado)).toBe(false)
      }),
    )
  })

  test.each([
    ['PO', 1, { para: 'IN_TRANSIT' }],
    ['DO', 1, { para: 'IN_TRANSIT' }],
    ['TRI', 77, { para: 'IN_TRANSIT' }],
    ['OEC', 0, { para: 'OUT_FOR_DELIVERY' }],
    ['LDI', 14, { para: 'AVAILABLE_FOR_PICKUP' }],
    ['BDR', 1, { para: 'DELIVERED' }],
    ['BDE', 20, { para: 'DELIVERY_FAILED', reason: 'absent' }],
    ['BDI', 4, { para: 'DELIVERY_FAILED', reason: 'refused' }],
    ['BDE', 6, { para: 'DELIVERY_FAILED', reason: 'unknown_recipient' }],
    ['BDE', 19, { para: 'DELIVERY_FAILED', reason: 'address_not_found' }],
    ['BDE', 10, { para: 'DELIVERY_FAILED', reason: 'moved' }],
    ['LDE', 9, { para: 'RETURNING' }],
    ['FC', 1, { para: 'RETURNING' }],
    ['BDE', 23, { para: 'RETURNED' }],
    ['BDE', 52, { para: 'LOST' }],
    ['BDE', 37, { para: 'DAMAGED' }],
    ['BDE', 69, 'nota'],
    ['FC', 3, 'nota'],
    ['IDC', 1, 'nota'],
    ['EST', 1, 'correcao'],
    ['BDE', 999, undefined],
    ['ZZZ', 0, undefined],
  ])('%s %i', (tipo, codigo, informe) => expect(informeDe(tipo, codigo)).toEqual(informe))

  test.each(PARES)('from %s to %s every step is allowed, none is invented, none goes back', (de, para) => {
    const caminho = caminhoAte(de, para)
    let em = de
    for (const passo of caminho) {
      const aCaminho = em === 'IN_TRANSIT' || em === 'OUT_FOR_DELIVERY'
      const doCorreio = aCaminho && (passo === 'RETURNING' || passo === 'AVAILABLE_FOR_PICKUP')
      expect(doCorreio || permitidas({ status: em, tentativas: 0 }).includes(passo)).toBe(true)
      em = passo
    }
    expect(caminho.length === 0 || em === para).toBe(true)
    expect(caminho.slice(0, -1)).not.toContain('DELIVERY_FAILED')
    if (ehFinal(de) || de === para) expect(caminho).toEqual([])
  })

  test('an event that the carrier left out is filled in', () => {
    expect(caminhoAte('RECEIVED', 'DELIVERED')).toEqual(['IN_TRANSIT', 'DELIVERED'])
    expect(caminhoAte('RECEIVED', 'DELIVERY_FAILED')).toEqual(['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED'])
    expect(caminhoAte('IN_TRANSIT', 'RETURNED')).toEqual(['RETURNING', 'RETURNED'])
    expect(caminhoAte('RECEIVED', 'AVAILABLE_FOR_PICKUP')).toEqual(['IN_TRANSIT', 'AVAILABLE_FOR_PICKUP'])
    expect(caminhoAte('OUT_FOR_DELIVERY', 'IN_TRANSIT')).toEqual([])
  })
})
