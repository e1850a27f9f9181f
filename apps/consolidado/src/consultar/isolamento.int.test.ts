import type { Sql } from '@fluxo/shared/postgres/sql'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'
import { createConsultaStore, foraDoAr, LIMITES_DA_CONSULTA } from './store.ts'

const LOJAS = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const DIAS = ['2025-10-14', '2025-10-15'] as const

let bancada: BancadaDeConsulta
beforeAll(async () => {
  bancada = await createBancadaDeConsulta()
  for (const [i, comercianteId] of LOJAS.entries()) {
    for (const data of DIAS)
      await bancada.projetar({ comercianteId, data, creditos: BigInt(10 ** i), quantidade: i + 1 })
  }
})
afterAll(() => bancada.fechar())

const FILTRO = /(?:s\.)?comerciante_id = \$1/g
const storeDe = (sql: Sql) =>
  createConsultaStore({ sql, policy: createPolicy({ ...LIMITES_DA_CONSULTA, name: 'teste', isTransient: foraDoAr }) })

/** The store's own statements on `sql`, each without the filter that names the merchant. */
function semFiltro(sql: Sql) {
  const esquecer = (texto: string): string => {
    expect(texto).toMatch(FILTRO)
    return texto.replace(FILTRO, '$1::text is not null')
  }
  return storeDe({
    unsafe: (texto: string, ...resto: [never]) => sql.unsafe(esquecer(texto), ...resto),
  } as unknown as Sql)
}

test('with the application’s filter removed, every day and period is still the merchant’s own', async () => {
  const aberto = semFiltro(bancada.leituras)
  const certo = storeDe(bancada.leituras)
  for (const [i, loja] of LOJAS.entries()) {
    const dia = await aberto.lerDia(loja, DIAS[1])
    expect(dia).toEqual(await certo.lerDia(loja, DIAS[1]))
    expect([dia.creditos, dia.quantidade]).toEqual([BigInt(10 ** i), i + 1])
    const periodo = await aberto.lerPeriodo(loja, DIAS[1], DIAS[1])
    expect(periodo).toEqual(await certo.lerPeriodo(loja, DIAS[1], DIAS[1]))
    expect(periodo).toMatchObject({ saldoInicial: BigInt(10 ** i), dias: [{ creditos: BigInt(10 ** i) }] })
  }
  expect((await aberto.lerDia('ninguem', DIAS[1])).quantidade).toBe(0)
})

test('the same statements show everybody’s days to a role that is not under it: it is what holds', async () => {
  const { dias } = await semFiltro(bancada.sql).lerPeriodo('loja', DIAS[0], DIAS[1])
  expect(dias).toHaveLength(LOJAS.length * DIAS.length)
})

test('the role of reads sees nothing where no merchant was set, and writes nothing', async () => {
  for (let i = 0; i < 8; i += 1) {
    expect((await bancada.store.lerDia('loja', DIAS[0])).quantidade).toBe(1)
    expect(await bancada.leituras`select * from saldo`).toHaveLength(0)
  }
  for (const texto of ['delete from saldo', 'update projecao set geracao = 2', 'select * from carta_morta']) {
    await expect(bancada.leituras.unsafe(texto)).rejects.toThrow('permission denied')
  }
})
