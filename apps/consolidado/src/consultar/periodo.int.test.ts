import { uniquePrefix } from '@fluxo/tests/stage/databases'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'

let bancada: BancadaDeConsulta

beforeAll(async () => {
  bancada = await createBancadaDeConsulta({ particoes: 2, waitApplied: async () => true })
})
afterAll(() => bancada.fechar())

const umaLoja = () => uniquePrefix('loja')
type Corpo = { total_creditos?: number; codigo?: string; detail?: string; erros?: { campo: string }[] }
const ler = async (resposta: Response) => (await resposta.json()) as Corpo

describe('GET /consolidado?de=&ate=', () => {
  it('equals the naive sums of all entries, for any days and any period', async () => {
    const dia = fc.integer({ min: 0, max: 59 })
    const data = (n: number) => new Date(Date.UTC(2025, 0, 1 + n)).toISOString().slice(0, 10)
    const valor = fc.bigInt({ min: 0n, max: 10n ** 15n })
    const dias = fc.uniqueArray(fc.record({ dia, creditos: valor, debitos: valor }), {
      selector: (d) => d.dia,
      maxLength: 20,
    })
    const decimal = (centavos: bigint) => Number(centavos) / 100
    await fc.assert(
      fc.asyncProperty(dias, dia, dia, async (lista, a, b) => {
        const comercianteId = umaLoja()
        const [de, ate] = [Math.min(a, b), Math.max(a, b)]
        for (const { dia: n, creditos, debitos } of lista) {
          await bancada.projetar({ comercianteId, data: data(n), creditos, debitos, quantidade: n + 1 })
        }
        const pedir = await bancada.como(comercianteId)
        const resposta = await pedir(`/consolidado?de=${data(de)}&ate=${data(ate)}`)
        const saldoAte = (n: number) =>
          lista.filter((d) => d.dia <= n).reduce((soma, d) => soma + d.creditos - d.debitos, 0n)
        const noPeriodo = lista.filter((d) => d.dia >= de && d.dia <= ate).sort((x, y) => x.dia - y.dia)
        expect(await ler(resposta)).toEqual({
          de: data(de),
          ate: data(ate),
          saldo_inicial: decimal(saldoAte(de - 1)),
          total_creditos: decimal(noPeriodo.reduce((soma, d) => soma + d.creditos, 0n)),
          total_debitos: decimal(noPeriodo.reduce((soma, d) => soma + d.debitos, 0n)),
          saldo_final: decimal(saldoAte(ate)),
          dias: noPeriodo.map((d) => ({
            data: data(d.dia),
            total_creditos: decimal(d.creditos),
            total_debitos: decimal(d.debitos),
            saldo_do_dia: decimal(d.creditos - d.debitos),
            saldo_acumulado: decimal(saldoAte(d.dia)),
            quantidade: d.dia + 1,
          })),
        })
      }),
      { numRuns: 25 },
    )
  })

  it('reads the generation that readers see, and no other', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, creditos: 100n })
    await bancada.projetar({ comercianteId, creditos: 777n }, 2)
    const pedir = await bancada.como(comercianteId)
    const periodo = await (await pedir('/consolidado?de=2025-10-01&ate=2025-10-31')).json()
    expect(periodo).toMatchObject({ saldo_final: 1, dias: [{ saldo_do_dia: 1 }] })
  })

  it('as CSV: the days, a file name, the balances in headers', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, data: '2025-09-30', creditos: 1_000n })
    await bancada.projetar({ comercianteId, data: '2025-10-15', creditos: 15_050n, debitos: 50n })
    const pedir = await bancada.como(comercianteId)
    const resposta = await pedir('/consolidado?de=2025-10-01&ate=2025-10-31', { accept: 'text/csv' })
    expect(resposta.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(resposta.headers.get('content-disposition')).toBe(
      'attachment; filename="consolidado_2025-10-01_2025-10-31.csv"',
    )
    expect(resposta.headers.get('fluxo-saldo-inicial')).toBe('10.00')
    expect(resposta.headers.get('fluxo-saldo-final')).toBe('160.00')
    expect(await resposta.text()).toBe(
      'data,total_creditos,total_debitos,saldo_do_dia,saldo_acumulado,quantidade\r\n2025-10-15,150.50,0.50,150.00,160.00,1\r\n',
    )
  })

  it('as a spreadsheet: a byte order mark, semicolons, decimal commas, days as people write them', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, data: '2025-10-15', creditos: 150n, debitos: 123_456n })
    const pedir = await bancada.como(comercianteId)
    const resposta = await pedir('/consolidado?de=2025-10-01&ate=2025-10-31&formato=planilha')
    expect(resposta.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(Buffer.from(await resposta.arrayBuffer()).toString()).toBe(
      '\ufeffdata;total_creditos;total_debitos;saldo_do_dia;saldo_acumulado;quantidade\r\n' +
        '15/10/2025;1,50;1234,56;-1233,06;-1233,06;1\r\n',
    )
  })

  it('304 for what it answered before, each form by itself', async () => {
    const pedir = await bancada.como(umaLoja())
    const caminho = '/consolidado?de=2025-10-01&ate=2025-10-31'
    const etag = (await pedir(caminho)).headers.get('etag') ?? ''
    expect((await pedir(caminho, { 'if-none-match': etag })).status).toBe(304)
    const csv = await pedir(caminho, { 'if-none-match': etag, accept: 'text/csv' })
    expect([csv.status, csv.headers.get('vary')]).toEqual([200, 'Accept'])
  })

  it('refuses days that are none, a period backwards, too long, or named twice', async () => {
    const pedir = await bancada.como(umaLoja())
    const erros = async (query: string) => {
      const resposta = await pedir(`/consolidado${query}`)
      expect(resposta.status, query).toBe(422)
      const problema = await ler(resposta)
      return problema.erros?.map(({ campo }) => campo).sort()
    }
    expect(await erros('')).toEqual(['ate', 'de'])
    expect(await erros('?de=2025-10-01')).toEqual(['ate'])
    expect(await erros('?de=2025-02-30&ate=x')).toEqual(['ate', 'de'])
    expect(await erros('?de=2025-10-02&ate=2025-10-01')).toEqual(['ate'])
    expect(await erros('?de=2024-01-01&ate=2025-01-01')).toEqual(['ate'])
    expect(await erros('?de=2025-10-01&ate=2025-10-31&formato=csv')).toEqual(['formato'])
    expect(await erros('?de=2025-10-01&de=2025-10-02&ate=2025-10-31')).toEqual(['de'])
    expect((await pedir('/consolidado?de=2024-01-01&ate=2024-12-31')).status).toBe(200)
  })
})
