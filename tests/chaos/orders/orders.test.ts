import { describe, expect, test } from 'vitest'
import { createRandom } from '../../stage/random.ts'
import { createModel } from '../model.ts'
import { createBook, type SentMove } from './book.ts'
import { createHistory, type EventRow } from './history.ts'
import { isLegal, ON_ITS_WAY, wishFor } from './machine.ts'
import { isSigned } from './receiver.ts'

const NIGHT = new Date('2025-10-15T02:30:00.000Z')
const STATUSES = ['RECEIVED', 'SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERED', 'RETURNING', 'RETURNED']

/** The books of one paid order that was taken all the way and back, and the log of that. */
const whole = () => {
  const book = createBook()
  const order = { chave: 'p-1', comerciante: 'loja-1', address: 'Rua 1', centavos: 1_050 }
  book.send(order)
  book.acknowledge(order, 'a')
  const rows = STATUSES.map((status, i): EventRow => {
    const [seq, previous] = [i + 1, STATUSES[i - 1] ?? null]
    const row = { posicao: seq, id: `e-${seq}`, orderId: 'a', comerciante: 'loja-1', address: 'Rua 1', seq, status }
    return { ...row, previous, note: i === 0 ? null : `m-${i}`, source: 'api', occurredAt: NIGHT }
  })
  for (const { status: to, note } of rows.slice(1)) {
    const occurredAt = NIGHT.toISOString()
    if (note !== null) book.ask({ note, orderId: 'a', to, occurredAt, outcome: 'made' })
  }
  return { book, rows }
}

const judge = (rows: readonly EventRow[], book: ReturnType<typeof whole>['book']) => {
  const model = createModel()
  const history = createHistory(book, model.owe)
  for (const row of rows) history.read(row)
  return { ...history.take(), owed: [...model.owed()], days: [...model.days()] }
}

/** The log with one row changed. */
const changed = (seq: number, change: Partial<EventRow>): EventRow[] =>
  whole().rows.map((row) => (row.seq === seq ? { ...row, ...change } : row))

describe('the history', () => {
  test('that is whole has no fault, and owes the ledger the money of the delivery and of the return, by the day in São Paulo', () => {
    const { book, rows } = whole()
    const { owed, days, ...faults } = judge(rows, book)
    expect(faults).toEqual({ lost: [], duplicated: [], wrong: [] })
    const common = { comerciante: 'loja-1', data: '2025-10-14', centavos: 1_050 }
    expect(owed).toEqual([
      { ...common, chave: 'pedido:a:entregue:1', tipo: 'CREDITO', referencia: 'pedido:a' },
      { ...common, chave: 'pedido:a:devolvido:1', tipo: 'DEBITO', estorna: 'pedido:a:entregue:1' },
    ])
    expect(days).toEqual([['loja-1 2025-10-14', { creditos: 1_050, debitos: 1_050, quantidade: 2 }]])
  })

  test('that lacks what was acknowledged has lost it', () => {
    const { book, rows } = whole()
    expect(judge([], book).lost).toHaveLength(STATUSES.length)
    expect(judge(rows.slice(0, -1), book).lost).toEqual([expect.stringContaining('"note":"m-6"')])
  })

  test('that has an order or a change once more says so', () => {
    const { book, rows } = whole()
    const [first, second] = rows
    if (first === undefined || second === undefined) throw new Error('invariant: there are rows')
    const twin = { ...first, orderId: 'b', posicao: rows.length + 1 }
    expect(judge([...rows, twin], book).duplicated).toEqual([expect.stringContaining('received as a too')])
    const again = { ...second, note: 'm-1', seq: rows.length + 1, posicao: rows.length + 1 }
    expect(judge([...rows, again], book).duplicated).toEqual([expect.stringContaining('m-1 once more')])
  })

  test.each([
    ['a position that is missing', changed(3, { posicao: 30 }), 'position 3 is missing'],
    ['a sequence with a gap', changed(3, { seq: 4 }), 'after 2'],
    ['a step that is skipped', changed(3, { previous: 'RECEIVED' }), 'no step from SEPARATED'],
    ['a step that is repeated', changed(3, { status: 'SEPARATED' }), 'no step from SEPARATED'],
    ['an order that nobody sent', changed(1, { address: 'Rua 2' }), 'nobody sent it'],
    ['an order with another id than was answered', changed(1, { orderId: 'b' }), 'answered as a'],
    ['a change that nobody asked for', changed(3, { note: 'm-9' }), 'nobody asked for it'],
    ['a change that happened at another time', changed(5, { occurredAt: new Date(0) }), 'happened at'],
    ['a step of the flow that the flow has not', changed(2, { source: 'fluxo' }), 'no step of the automatic flow'],
  ])('is wrong with %s', (_, rows, words) => {
    expect(judge(rows, whole().book).wrong.join('\n')).toContain(words)
  })

  test('is wrong with a change that had been refused', () => {
    const { book, rows } = whole()
    const move: SentMove | undefined = book.move('m-2')
    if (move !== undefined) move.outcome = 'refused'
    expect(judge(rows, book).wrong).toEqual([expect.stringContaining('m-2 had been refused')])
  })
})

test('a second answer that names another order is a complaint', () => {
  const book = createBook()
  const order = { chave: 'p-1', comerciante: 'loja-1', address: 'Rua 1', centavos: undefined }
  expect(book.acknowledge(order, 'a')).toBeUndefined()
  expect(book.acknowledge(order, 'a')).toBeUndefined()
  expect(book.acknowledge(order, 'b')).toContain('answered a and b')
})

test('merchants wish only what the machine allows, and leave no order where only they could help it on', () => {
  const random = createRandom(1, 'wishes')
  const ends = new Set<string>()
  for (let run = 0; run < 2_000; run += 1) {
    let [status, attempts] = ['RECEIVED', 0]
    for (let wish = wishFor(status, attempts, random); wish !== undefined; wish = wishFor(status, attempts, random)) {
      expect(isLegal(status, wish.to, attempts)).toBe(true)
      status = wish.to
      if (status === 'DELIVERY_FAILED') attempts += 1
    }
    ends.add(status)
  }
  for (const status of ON_ITS_WAY) expect(ends).not.toContain(status)
  expect(ends).toContain('RETURNED')
})

test('a receiver knows the signature of Standard Webhooks, and no other', () => {
  const headers = {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  expect(isSigned(secret, headers, '{"test": 2432232314}')).toBe(true)
  expect(isSigned(secret, headers, '{"test": 2432232315}')).toBe(false)
  expect(isSigned(secret, { ...headers, 'webhook-timestamp': '1614265331' }, '{"test": 2432232314}')).toBe(false)
})
