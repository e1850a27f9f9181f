import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { consultarPeriodo, periodoCsv, periodoJson } from './consultar.ts'

const centavos = fc.bigInt({ min: 0n, max: 10n ** 18n })
const dias = fc
  .uniqueArray(
    fc.record({ data: fc.integer({ min: 1, max: 28 }), creditos: centavos, debitos: centavos, quantidade: fc.nat() }),
    {
      selector: ({ data }) => data,
    },
  )
  .map((lista) =>
    lista
      .sort((a, b) => a.data - b.data)
      .map((dia) => ({ ...dia, data: `2025-10-${String(dia.data).padStart(2, '0')}` })),
  )

describe('a period', () => {
  it('carries on exactly what the naive sums say, for any days', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), dias, (inicial, lista) => {
        const periodo = consultarPeriodo('2025-10-01', '2025-10-31', inicial, lista)
        const somar = (ate: string) =>
          lista.filter(({ data }) => data <= ate).reduce((soma, dia) => soma + dia.creditos - dia.debitos, inicial)
        for (const dia of periodo.dias) {
          expect(dia.saldoDoDia).toBe(dia.creditos - dia.debitos)
          expect(dia.saldoAcumulado).toBe(somar(dia.data))
        }
        expect(periodo.saldoFinal).toBe(somar('2025-10-31'))
        expect(periodo.saldoInicial + periodo.creditos - periodo.debitos).toBe(periodo.saldoFinal)
      }),
    )
  })

  it('is written with two decimals, straight from the cents', () => {
    const periodo = consultarPeriodo('2025-10-01', '2025-10-31', -1n, [
      { data: '2025-10-02', creditos: 10n ** 20n + 5n, debitos: 0n, quantidade: 1 },
      { data: '2025-10-15', creditos: 10n, debitos: 30n, quantidade: 2 },
    ])
    expect(periodoJson(periodo)).toBe(
      '{"de":"2025-10-01","ate":"2025-10-31","saldo_inicial":-0.01,"total_creditos":1000000000000000000.15,' +
        '"total_debitos":0.30,"saldo_final":999999999999999999.84,"dias":[' +
        '{"data":"2025-10-02","total_creditos":1000000000000000000.05,"total_debitos":0.00,' +
        '"saldo_do_dia":1000000000000000000.05,"saldo_acumulado":1000000000000000000.04,"quantidade":1},' +
        '{"data":"2025-10-15","total_creditos":0.10,"total_debitos":0.30,"saldo_do_dia":-0.20,' +
        '"saldo_acumulado":999999999999999999.84,"quantidade":2}]}',
    )
    expect(periodoCsv(periodo, 'csv')).toBe(
      'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n' +
        '2025-10-02,1000000000000000000.05,0.00,1000000000000000000.05,1000000000000000000.04,1\r\n' +
        '2025-10-15,0.10,0.30,-0.20,999999999999999999.84,2\r\n',
    )
  })

  it('without entries carries the balance through', () => {
    const periodo = consultarPeriodo('2025-10-01', '2025-10-31', 700n, [])
    expect(JSON.parse(periodoJson(periodo))).toMatchObject({ saldo_inicial: 7, saldo_final: 7, dias: [] })
  })
})
