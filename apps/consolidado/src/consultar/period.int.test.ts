import { uniquePrefix } from '@fluxo/tests/stage/databases'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'

let stage: QueryStage

beforeAll(async () => {
  stage = await createQueryStage({ particoes: 2, waitApplied: async () => true })
})
afterAll(() => stage.close())

const oneMerchant = () => uniquePrefix('loja')
type Body = { total_creditos?: number; codigo?: string; detail?: string; erros?: { campo: string }[] }
const read = async (answer: Response) => (await answer.json()) as Body

describe('GET /consolidado?de=&ate=', () => {
  it('equals the naive sums of all entries, for any days and any period', async () => {
    const dayArb = fc.integer({ min: 0, max: 59 })
    const data = (n: number) => new Date(Date.UTC(2025, 0, 1 + n)).toISOString().slice(0, 10)
    const valor = fc.bigInt({ min: 0n, max: 10n ** 15n })
    const days = fc.uniqueArray(fc.record({ dia: dayArb, creditos: valor, debitos: valor }), {
      selector: (d) => d.dia,
      maxLength: 20,
    })
    const decimal = (cents: bigint) => Number(cents) / 100
    await fc.assert(
      fc.asyncProperty(days, dayArb, dayArb, async (list, a, b) => {
        const comercianteId = oneMerchant()
        const [de, ate] = [Math.min(a, b), Math.max(a, b)]
        for (const { dia: n, creditos, debitos } of list) {
          await stage.projetar({ comercianteId, data: data(n), creditos, debitos, quantidade: n + 1 })
        }
        const ask = await stage.askAs(comercianteId)
        const answer = await ask(`/consolidado?de=${data(de)}&ate=${data(ate)}`)
        const saldoUntil = (n: number) =>
          list.filter((d) => d.dia <= n).reduce((sum, d) => sum + d.creditos - d.debitos, 0n)
        const inPeriod = list.filter((d) => d.dia >= de && d.dia <= ate).sort((x, y) => x.dia - y.dia)
        expect(await read(answer)).toEqual({
          de: data(de),
          ate: data(ate),
          saldo_inicial: decimal(saldoUntil(de - 1)),
          total_creditos: decimal(inPeriod.reduce((sum, d) => sum + d.creditos, 0n)),
          total_debitos: decimal(inPeriod.reduce((sum, d) => sum + d.debitos, 0n)),
          saldo_final: decimal(saldoUntil(ate)),
          dias: inPeriod.map((d) => ({
            data: data(d.dia),
            total_creditos: decimal(d.creditos),
            total_debitos: decimal(d.debitos),
            saldo_do_dia: decimal(d.creditos - d.debitos),
            saldo_acumulado: decimal(saldoUntil(d.dia)),
            quantidade: d.dia + 1,
          })),
        })
      }),
      { numRuns: 25 },
    )
  })

  it('reads the generation that readers see, and no other', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, creditos: 100n })
    await stage.projetar({ comercianteId, creditos: 777n }, 2)
    const ask = await stage.askAs(comercianteId)
    const period = await (await ask('/consolidado?de=2025-10-01&ate=2025-10-31')).json()
    expect(period).toMatchObject({ saldo_final: 1, dias: [{ saldo_do_dia: 1 }] })
  })

  it('as CSV: the days, a file name, the balances in headers', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, data: '2025-09-30', creditos: 1_000n })
    await stage.projetar({ comercianteId, data: '2025-10-15', creditos: 15_050n, debitos: 50n })
    const ask = await stage.askAs(comercianteId)
    const answer = await ask('/consolidado?de=2025-10-01&ate=2025-10-31', { accept: 'text/csv' })
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="consolidado_2025-10-01_2025-10-31.csv"',
    )
    expect(answer.headers.get('fluxo-saldo-inicial')).toBe('10.00')
    expect(answer.headers.get('fluxo-saldo-final')).toBe('160.00')
    expect(await answer.text()).toBe(
      'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n2025-10-15,150.50,0.50,150.00,160.00,1\r\n',
    )
  })

  it('as a spreadsheet: a byte order mark, semicolons, decimal commas, days as people write them', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, data: '2025-10-15', creditos: 150n, debitos: 123_456n })
    const ask = await stage.askAs(comercianteId)
    const answer = await ask('/consolidado?de=2025-10-01&ate=2025-10-31&formato=planilha')
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(Buffer.from(await answer.arrayBuffer()).toString()).toBe(
      '\ufeffdata;total_creditos;total_debitos;saldo_do_dia;saldo_acumulado;quantidade\r\n' +
        '15/10/2025;1,50;1234,56;-1233,06;-1233,06;1\r\n',
    )
  })

  it('304 for what it answered before, each form by itself', async () => {
    const ask = await stage.askAs(oneMerchant())
    const path = '/consolidado?de=2025-10-01&ate=2025-10-31'
    const etag = (await ask(path)).headers.get('etag') ?? ''
    expect((await ask(path, { 'if-none-match': etag })).status).toBe(304)
    const csv = await ask(path, { 'if-none-match': etag, accept: 'text/csv' })
    expect([csv.status, csv.headers.get('vary')]).toEqual([200, 'Accept'])
  })

  it('refuses days that are none, a period backwards, too long, or named twice', async () => {
    const ask = await stage.askAs(oneMerchant())
    const errors = async (query: string) => {
      const answer = await ask(`/consolidado${query}`)
      expect(answer.status, query).toBe(422)
      const problem = await read(answer)
      return problem.erros?.map(({ campo }) => campo).sort()
    }
    expect(await errors('')).toEqual(['ate', 'de'])
    expect(await errors('?de=2025-10-01')).toEqual(['ate'])
    expect(await errors('?de=2025-02-30&ate=x')).toEqual(['ate', 'de'])
    expect(await errors('?de=2025-10-02&ate=2025-10-01')).toEqual(['ate'])
    expect(await errors('?de=2024-01-01&ate=2025-01-01')).toEqual(['ate'])
    expect(await errors('?de=2025-10-01&ate=2025-10-31&formato=csv')).toEqual(['formato'])
    expect(await errors('?de=2025-10-01&de=2025-10-02&ate=2025-10-31')).toEqual(['de'])
    expect((await ask('/consolidado?de=2024-01-01&ate=2024-12-31')).status).toBe(200)
  })
})
