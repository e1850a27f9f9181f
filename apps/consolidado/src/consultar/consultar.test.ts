import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consultarPeriod, periodCsv, periodJson } from './consultar.ts'

const cents = fc.bigInt({ min: 0n, max: 10n ** 18n })
const days = fc
  .uniqueArray(
    fc.record({ data: fc.integer({ min: 1, max: 28 }), creditos: cents, debitos: cents, quantidade: fc.nat() }),
    {
      selector: ({ data }) => data,
    },
  )
  .map((list) =>
    list
      .sort((a, b) => a.data - b.data)
      .map((day) => ({ ...day, data: `2025-10-${String(day.data).padStart(2, '0')}` })),
  )

describe('a period', () => {
  it('carries on exactly what the naive sums say, for any days', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), days, (initial, list) => {
        const period = consultarPeriod('2025-10-01', '2025-10-31', initial, list)
        const add = (ate: string) =>
          list.filter(({ data }) => data <= ate).reduce((sum, day) => sum + day.creditos - day.debitos, initial)
        for (const day of period.days) {
          expect(day.daySaldo).toBe(day.creditos - day.debitos)
          expect(day.runningSaldo).toBe(add(day.data))
        }
        expect(period.closingSaldo).toBe(add('2025-10-31'))
        expect(period.openingSaldo + period.creditos - period.debitos).toBe(period.closingSaldo)
      }),
    )
  })

  it('is written with two decimals, straight from the cents', () => {
    const period = consultarPeriod('2025-10-01', '2025-10-31', -1n, [
      { data: '2025-10-02', creditos: 10n ** 20n + 5n, debitos: 0n, quantidade: 1 },
      { data: '2025-10-15', creditos: 10n, debitos: 30n, quantidade: 2 },
    ])
    expect(periodJson(period)).toBe(
      '{"de":"2025-10-01","ate":"2025-10-31","saldo_inicial":-0.01,"total_creditos":1000000000000000000.15,' +
        '"total_debitos":0.30,"saldo_final":999999999999999999.84,"dias":[' +
        '{"data":"2025-10-02","total_creditos":1000000000000000000.05,"total_debitos":0.00,' +
        '"saldo_do_dia":1000000000000000000.05,"saldo_acumulado":1000000000000000000.04,"quantidade":1},' +
        '{"data":"2025-10-15","total_creditos":0.10,"total_debitos":0.30,"saldo_do_dia":-0.20,' +
        '"saldo_acumulado":999999999999999999.84,"quantidade":2}]}',
    )
    expect(periodCsv(period, 'csv')).toBe(
      'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n' +
        '2025-10-02,1000000000000000000.05,0.00,1000000000000000000.05,1000000000000000000.04,1\r\n' +
        '2025-10-15,0.10,0.30,-0.20,999999999999999999.84,2\r\n',
    )
  })

  it('without entries carries the balance through', () => {
    const period = consultarPeriod('2025-10-01', '2025-10-31', 700n, [])
    expect(JSON.parse(periodJson(period))).toMatchObject({ saldo_inicial: 7, saldo_final: 7, dias: [] })
  })
})
