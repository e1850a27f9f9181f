import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { answeredErrors, ledgerErrors } from './check.ts'
import { ordersErrors } from './check-orders.ts'
import { serverCpuMs } from './cpu.ts'
import { type LoadPlan, MARK, markOf, wireText } from './load/plan.ts'
import { parseOptions } from './options.ts'
import { verdictsOn } from './reach.ts'
import { summarise } from './result.ts'
import { median, percentile } from './statistics.ts'

const sample = (value: number) => ({ value, p50: value / 10, p99: value / 5, max: value })

describe('figures', () => {
  test('the median of three is the middle one, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  test('a percentile is a value that was measured', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 100])
  })

  test('a ratio is one of medians', () => {
    const result = summarise({
      row: 'post-64',
      unit: 'POST/s',
      samples: [400, 900, 500].map(sample),
      yardsticks: { echo: [2_000, 1_000, 100].map(sample), '1-tx': [100, 100, 100].map(sample) },
    })
    expect(result).toMatchObject({ median: 500, p50: 50, p99: 100, max: 900 })
    expect(result.yardsticks.map(({ name, ratio }) => [name, ratio])).toEqual([
      ['echo', 0.5],
      ['1-tx', 5],
    ])
  })

  test('a row falls short as soon as one of its limits is missed, memory included', () => {
    const drained = summarise({
      row: 'drain-1',
      unit: 'events/s',
      samples: [sample(40_000)],
      rssMb: { consolidado: 240 },
    })
    expect(verdictsOn(drained).map(({ reached }) => reached)).toEqual([true, false])
  })
})

describe('CPU time', () => {
  const judged = (row: 'post-64' | 'post-64-followed', cpuAllUs: number | undefined) =>
    verdictsOn(summarise({ row, unit: 'x', samples: [sample(1)], cpu: { cpuUs: 1, cpuAllUs } })).find(({ text }) =>
      text.includes('CPU'),
    )?.reached

  test('an entry may cost the machine so much, and more where a reader works too; no verdict where nothing tells of it', () => {
    expect([judged('post-64', 150), judged('post-64', 151), judged('post-64', undefined)]).toEqual([
      true,
      false,
      undefined,
    ])
    expect([judged('post-64-followed', 190), judged('post-64-followed', 191)]).toEqual([true, false])
  })

  test.runIf(process.platform === 'linux')('of a server includes what its ended children have used', async () => {
    const burnMs = 200
    const burn = `const from = process.cpuUsage(); while (process.cpuUsage(from).user < ${burnMs * 1000});`
    const before = await serverCpuMs(process.pid)
    execFileSync(process.execPath, ['-e', burn])
    expect((await serverCpuMs(process.pid)) - before).toBeGreaterThanOrEqual(burnMs - 20)
  })
})

describe('limits of memory', () => {
  const peak = (row: 'sse-1000' | 'flow', entregas: number) =>
    verdictsOn(summarise({ row, unit: 'x', samples: [sample(100)], rssMb: { entregas } })).at(-1)

  test('a thousand open streams may take more than a service otherwise does', () => {
    expect([peak('sse-1000', 299), peak('flow', 199)].map((verdict) => verdict?.reached)).toEqual([true, true])
    expect([peak('sse-1000', 301), peak('flow', 201)].map((verdict) => verdict?.reached)).toEqual([false, false])
  })
})

describe('correctness', () => {
  test('orders whose versions are not their events are an error', () => {
    const state = { events: 30, max: 30, ultima: 30, orders: 10, versions: 30, delivered: 10 }
    expect(ordersErrors(state)).toEqual([])
    expect(ordersErrors({ ...state, versions: 31 })).toHaveLength(1)
    expect(ordersErrors({ ...state, ultima: 31 })).toHaveLength(1)
  })

  test('a gap, a loss or a double in the ledger is an error', () => {
    expect(ledgerErrors({ count: 10, max: 10, ultima: 10 })).toEqual([])
    expect(ledgerErrors({ count: 9, max: 10, ultima: 10 })).toHaveLength(1)
    expect(ledgerErrors({ count: 10, max: 10, ultima: 11 })).toHaveLength(1)
  })

  test('what was answered must be there; only what the end cut off may be there beside it', () => {
    expect(answeredErrors(105, 100, 5)).toEqual([])
    expect(answeredErrors(99, 100, 5)).toHaveLength(1)
    expect(answeredErrors(106, 100, 5)).toHaveLength(1)
  })
})

describe('load', () => {
  const plan: LoadPlan = { requests: [{ method: 'GET', path: '/a', headers: {} }], first: 0 }

  test('no two requests of a run are marked alike, and the mark keeps their length', () => {
    expect([markOf(plan, 7), markOf(plan, 123_456_789)]).toEqual(['000000007', '123456789'])
    expect(MARK).toHaveLength(9)
  })

  test('values take turns round by round', () => {
    const two = { ...plan, requests: [...plan.requests, ...plan.requests], values: ['x', 'y'] }
    expect([0, 1, 2, 3, 4].map((n) => markOf(two, n))).toEqual(['x', 'x', 'y', 'y', 'x'])
  })

  test('a request on the wire counts its body in bytes', () => {
    const text = wireText({ method: 'POST', path: '/b', headers: { A: '1' }, body: 'ção' }, 'http://127.0.0.1:80')
    expect(text).toBe('POST /b HTTP/1.1\r\nHost: 127.0.0.1\r\nA: 1\r\nContent-Length: 5\r\n\r\nção')
  })
})

describe('command line', () => {
  test('an unknown row, option or number is a wrong call', () => {
    for (const wrong of [['--only', 'post-65'], ['--fast'], ['--seconds', 'x'], ['--only', '']]) {
      expect(() => parseOptions(wrong, '/prof')).toThrow()
    }
  })

  test('rows are taken in any order and separated by commas', () => {
    expect([...parseOptions(['--only', 'rebuild,post-64'], '/prof').only]).toEqual(['rebuild', 'post-64'])
  })
})
