import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createModel, type Sent } from './model.ts'
import { tooMuch } from './noticed.ts'
import { FAULTS, planOf } from './plan.ts'
import { formatOrders, formatReport, type OrderResult, type RoundResult } from './report.ts'

const rounds = (seed: number, count: number) =>
  planOf(seed, FAULTS)
    .take(count)
    .map(({ fault, aim, also }) => ({ fault: fault.name, aim, also: also?.fault.name }))
    .toArray()

describe('the plan', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(rounds(7, 200)).toEqual(rounds(7, 200))
    expect(rounds(7, 30)).not.toEqual(rounds(8, 30))
  })

  test('has every fault once before any comes again', () => {
    const names = rounds(3, 2 * FAULTS.length).map(({ fault }) => fault)
    const all = FAULTS.map(({ name }) => name).toSorted()
    expect(names.slice(0, FAULTS.length).toSorted()).toEqual(all)
    expect(names.slice(FAULTS.length).toSorted()).toEqual(all)
  })
})

describe('the books', () => {
  const sent = (chave: string, more: Partial<Sent> = {}): Sent => {
    return { chave, comerciante: 'loja-1', data: '2025-03-01', tipo: 'CREDITO', centavos: 150, ...more }
  }

  test('hold what was acknowledged, once, however often it is answered', () => {
    const model = createModel()
    const one = sent('a')
    model.send(one)
    model.send(sent('b', { tipo: 'DEBITO' }))
    for (let i = 0; i < 3; i += 1) expect(model.acknowledge(one, { id: 'x', posicao: 4 })).toBeUndefined()
    expect([...model.days()]).toEqual([['loja-1 2025-03-01', { creditos: 150, debitos: 0, quantidade: 1 }]])
    expect(model.open()).toBe(1)
  })

  test('complain of a second answer that names another entry', () => {
    const model = createModel()
    const one = sent('a')
    model.send(one)
    model.acknowledge(one, { id: 'x' })
    expect(model.acknowledge(one, { id: 'y' })).toContain('answered x and y')
  })
})

const NO_ORDERS: OrderResult = {
  orders: 0,
  moves: 0,
  outrun: 0,
  paid: 0,
  reversed: 0,
  events: 0,
  again: 0,
  stale: 0,
  asked: 0,
  lost: 0,
  duplicated: 0,
}

const cellsOf = (table: string) => table.split('\n').map((line) => line.split(/ *\| */).slice(1, -1))

test('the report sums rounds by fault and never hides one that was not exact', () => {
  const round: RoundResult = {
    fault: 'kill',
    also: undefined,
    requests: 10,
    refused: 1,
    unanswered: 2,
    p99Ms: 12.3,
    lost: 0,
    duplicated: 0,
    exactSeconds: 1.26,
    orders: { ...NO_ORDERS, orders: 3, lost: 1 },
  }
  const second = { ...round, exactSeconds: 4, also: 'term' }
  const lines = (results: RoundResult[]) => cellsOf(formatReport(['kill', 'term'], results))
  expect(lines([round, second]).slice(2)).toEqual([
    ['kill', '2', '20', '2', '4', '12', '0', '0', '1.3 (at most 4.0)'],
    ['term', '1', '0', '0', '0', '0', '0', '0', '–'],
    ['all', '3', '20', '2', '4', '12', '0', '0', '1.3 (at most 4.0)'],
  ])
  expect(lines([round, { ...second, lost: 1, exactSeconds: undefined }])[2]).toEqual([
    'kill',
    '2',
    '20',
    '2',
    '4',
    '12',
    '1',
    '0',
    'NEVER',
  ])
  const [headings, , kill, , all] = cellsOf(formatOrders(['kill', 'term'], [round, second]))
  const column = (name: string) => [kill, all].map((row) => row?.[headings?.indexOf(name) ?? -1])
  expect([column('orders'), column('lost'), column('webhooks')]).toEqual([
    ['6', '6'],
    ['2', '2'],
    ['0', '0'],
  ])
})

test('whoever is attacked may notice a slower answer, and hardly a refusal', () => {
  expect(tooMuch({ requests: 100, refused: 2, unanswered: 3, p99Ms: 4_999 })).toEqual([])
  expect(tooMuch({ requests: 100, refused: 3, unanswered: 3, p99Ms: 5_001 })).toHaveLength(2)
})

test('every fault is in the documentation, as it says itself what it is', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'chaos.md'), 'utf8')
  for (const { name, what } of FAULTS) expect(text).toContain(`| \`${name}\` | ${what} |`)
})
