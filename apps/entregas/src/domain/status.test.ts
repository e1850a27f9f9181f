import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { informeFor, isTrackingCode, pathTo } from './correios.ts'
import {
  allowedStatuses,
  automaticNext,
  cancellationStatus,
  isFinal,
  STATUSES,
  type Status,
  statusCode,
  statusesBefore,
  statusMask,
  statusOfCode,
  TENTATIVAS_MAX,
} from './status.ts'

/** The machine as the contract draws it, an arrow each: nothing of the implementation. */
const ARROWS: readonly (readonly [Status, Status])[] = [
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
const PAIRS = STATUSES.flatMap((from) => STATUSES.map((to) => [from, to] as const))

describe('the status machine', () => {
  test.each(PAIRS)('%s → %s is allowed exactly where the contract draws an arrow', (from, to) => {
    const arrow = ARROWS.some(([a, b]) => a === from && b === to)
    expect(allowedStatuses({ status: from, tentativas: 0 }).includes(to)).toBe(arrow)
    expect(statusesBefore(to).includes(from)).toBe(arrow)
  })

  test('after the last attempt the parcel is not taken out again', () => {
    const failed = (tentativas: number) => allowedStatuses({ status: 'DELIVERY_FAILED', tentativas })
    expect(failed(TENTATIVAS_MAX - 1)).toContain('OUT_FOR_DELIVERY')
    expect(failed(TENTATIVAS_MAX)).toEqual(['AVAILABLE_FOR_PICKUP', 'RETURNING'])
  })

  test('final are exactly delivered, returned, cancelled, lost and damaged', () => {
    expect(STATUSES.filter(isFinal)).toEqual(['DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED'])
  })

  test('a cancellation ends an order before transport, turns it back afterwards, and is refused at the end', () => {
    expect(STATUSES.map((status) => cancellationStatus(status) ?? '-')).toEqual([
      'CANCELLED',
      'CANCELLED',
      ...Array(5).fill('RETURNING'),
      ...Array(5).fill('-'),
    ])
  })

  test('the automatic flow walks the original’s short path, and every step of it is allowed', () => {
    let status: Status | undefined = 'RECEIVED'
    const walked: Status[] = []
    for (; status !== undefined; status = automaticNext(status)) walked.push(status)
    expect(walked).toEqual(['RECEIVED', 'IN_TRANSIT', 'DELIVERED'])
  })

  test('a status survives its code, and a mask holds exactly its statuses', () => {
    fc.assert(
      fc.property(fc.subarray([...STATUSES]), (some) => {
        const bits = statusMask(some)
        expect(STATUSES.filter((status) => bits & (1 << statusCode(status)))).toEqual(some)
      }),
    )
    expect(STATUSES.map((status) => statusOfCode(statusCode(status)))).toEqual([...STATUSES])
    expect(() => statusOfCode(99)).toThrow('99 is no status')
  })
})

describe('the carrier', () => {
  test.each(['DL077986616BR', 'SQ458226057BR', 'RA132678652BR', 'SX142052885BR', 'RR473124829GB', 'RR123456785TR'])(
    '%s is a tracking code',
    (codigo) => expect(isTrackingCode(codigo)).toBe(true),
  )

  test.each(['SS123456789BR', 'SE987654321BR', 'DL077986616', 'dl077986616BR', 'DL07798661６BR', '', "'; drop--"])(
    '%j is none',
    (codigo) => expect(isTrackingCode(codigo)).toBe(false),
  )

  test('any single wrong digit is noticed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 1, max: 9 }), (i, more) => {
        const right = 'DL077986616BR'
        const wrong = right.slice(0, i) + String((Number(right[i]) + more) % 10) + right.slice(i + 1)
        expect(isTrackingCode(wrong)).toBe(false)
      }),
    )
  })

  test.each([
    ['PO', 1, { to: 'IN_TRANSIT' }],
    ['DO', 1, { to: 'IN_TRANSIT' }],
    ['TRI', 77, { to: 'IN_TRANSIT' }],
    ['OEC', 0, { to: 'OUT_FOR_DELIVERY' }],
    ['LDI', 14, { to: 'AVAILABLE_FOR_PICKUP' }],
    ['BDR', 1, { to: 'DELIVERED' }],
    ['BDE', 20, { to: 'DELIVERY_FAILED', reason: 'absent' }],
    ['BDI', 4, { to: 'DELIVERY_FAILED', reason: 'refused' }],
    ['BDE', 6, { to: 'DELIVERY_FAILED', reason: 'unknown_recipient' }],
    ['BDE', 19, { to: 'DELIVERY_FAILED', reason: 'address_not_found' }],
    ['BDE', 10, { to: 'DELIVERY_FAILED', reason: 'moved' }],
    ['LDE', 9, { to: 'RETURNING' }],
    ['FC', 1, { to: 'RETURNING' }],
    ['BDE', 23, { to: 'RETURNED' }],
    ['BDE', 52, { to: 'LOST' }],
    ['BDE', 37, { to: 'DAMAGED' }],
    ['BDE', 69, 'note'],
    ['FC', 3, 'note'],
    ['IDC', 1, 'note'],
    ['EST', 1, 'correction'],
    ['BDE', 999, undefined],
    ['ZZZ', 0, undefined],
  ])('%s %i', (tipo, codigo, informe) => expect(informeFor(tipo, codigo)).toEqual(informe))

  test.each(PAIRS)('from %s to %s every step is allowed, none is invented, none goes back', (from, to) => {
    const path = pathTo(from, to)
    let current = from
    for (const passo of path) {
      const underWay = current === 'IN_TRANSIT' || current === 'OUT_FOR_DELIVERY'
      const byCarrier = underWay && (passo === 'RETURNING' || passo === 'AVAILABLE_FOR_PICKUP')
      expect(byCarrier || allowedStatuses({ status: current, tentativas: 0 }).includes(passo)).toBe(true)
      current = passo
    }
    expect(path.length === 0 || current === to).toBe(true)
    expect(path.slice(0, -1)).not.toContain('DELIVERY_FAILED')
    if (isFinal(from) || from === to) expect(path).toEqual([])
  })

  test('an event that the carrier left out is filled in', () => {
    expect(pathTo('RECEIVED', 'DELIVERED')).toEqual(['IN_TRANSIT', 'DELIVERED'])
    expect(pathTo('RECEIVED', 'DELIVERY_FAILED')).toEqual(['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED'])
    expect(pathTo('IN_TRANSIT', 'RETURNED')).toEqual(['RETURNING', 'RETURNED'])
    expect(pathTo('RECEIVED', 'AVAILABLE_FOR_PICKUP')).toEqual(['IN_TRANSIT', 'AVAILABLE_FOR_PICKUP'])
    expect(pathTo('OUT_FOR_DELIVERY', 'IN_TRANSIT')).toEqual([])
  })
})
