import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada, json } from '../../test/bancada.ts'
import type { Filtros } from './listar.ts'
import { createLeituraStore, LEITURA_SETTINGS } from './store.ts'

const LOJAS = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const DATA = '2025-10-15'

let bancada: Bancada
/** Of each merchant, by id. */
const idsDe = new Map<string, string[]>()

beforeAll(async () => {
  bancada = await createBancada()
  for (const loja of LOJAS) {
    const pedir = await bancada.como(loja)
    const ids: string[] = []
    for (let i = 0; i < 4; i += 1) {
      const resposta = await pedir(
        '/lancamentos',
        json({ valor: i + 1, tipo: i % 2 ? 'DEBITO' : 'CREDITO', descricao: loja, data: DATA, referencia: `r-${i}` }),
      )
      ids.push(((await resposta.json()) as { id: string }).id)
    }
    idsDe.set(loja, ids)
  }
})
afterAll(() => bancada.fechar())

const FILTRO = '"lancamentos"."comerciante_id" = $1'

/** The store's own statements on `sql`, each without the filter that names the merchant. */
function semFiltro(sql: Sql) {
  const sem = { unsafe: (texto: string, ...resto: [never]) => sql.unsafe(esquecer(texto), ...resto) }
  return createLeituraStore(sem as unknown as Sql)
}
function esquecer(texto: string): string {
  expect(texto).toContain(FILTRO)
  return texto.replace(FILTRO, '$1::text is not null')
}

const FILTROS: Filtros[] = [
  {},
  { de: DATA, ate: DATA },
  { tipo: 'DEBITO' },
  { referencia: 'r-2' },
  { de: '2025-01-01', tipo: 'CREDITO', referencia: 'r-0' },
]

describe('with the application’s filter removed, row-level security stands behind it', () => {
  test('every list is still the merchant’s own, with any filters and on any page', async () => {
    const inteiro = createLeituraStore(bancada.leituras)
    const aberto = semFiltro(bancada.leituras)
    for (const loja of LOJAS) {
      for (const filtros of FILTROS) {
        for (const depois of [undefined, { data: DATA, posicao: 10 }]) {
          const certo = await inteiro.listar(loja, filtros, depois, 100)
          expect(await aberto.listar(loja, filtros, depois, 100)).toEqual(certo)
        }
      }
      const vistos = (await aberto.listar(loja, {}, undefined, 100)).map(({ id }) => id)
      expect(new Set(vistos)).toEqual(new Set(idsDe.get(loja)))
    }
  })

  test('an id of another merchant is still nobody’s', async () => {
    const aberto = semFiltro(bancada.leituras)
    for (const loja of LOJAS) {
      for (const [dono, ids] of idsDe) {
        for (const id of ids) expect((await aberto.porId(loja, id))?.id).toBe(dono === loja ? id : undefined)
      }
    }
  })

  test('concurrent reads of many merchants on few connections never mix', async () => {
    const poucas = createSql({ ...conexao(), max: 2, settings: LEITURA_SETTINGS })
    const aberto = semFiltro(poucas)
    const pedidos = Array.from({ length: 400 }, (_, i) => LOJAS[i % LOJAS.length] ?? LOJAS[0])
    const listas = await Promise.all(pedidos.map((loja) => aberto.listar(loja, {}, undefined, 100)))
    listas.forEach((lista, i) => {
      expect(new Set(lista.map(({ comercianteId }) => comercianteId))).toEqual(new Set([pedidos[i]]))
    })
    await closeSql(poucas)
  })

  test('the same statements show everybody’s rows to a role that is not under it: it is what holds', async () => {
    const todos = await semFiltro(bancada.sql).listar('loja', {}, undefined, 100)
    expect(new Set(todos.map(({ comercianteId }) => comercianteId))).toEqual(new Set(LOJAS))
  })
})

const conexao = () => ({ url: bancada.databaseUrl, name: 'teste isolamento' })

describe('the role of reads', () => {
  const contar = async (sql: Sql, texto = 'select count(*)::int as n from lancamentos') =>
    Number((await sql.unsafe<{ n: number }[]>(texto))[0]?.n)

  test('sees nothing where no merchant was set, also right after another request of the same connection', async () => {
    const uma = createSql({ ...conexao(), max: 1, settings: LEITURA_SETTINGS })
    expect(await contar(uma)).toBe(0)
    expect(await createLeituraStore(uma).listar('loja', {}, undefined, 100)).toHaveLength(4)
    expect(await contar(uma)).toBe(0)
    // A statement that fails leaves nothing behind either.
    await expect(uma.unsafe(ownRows('select 1 / (id is null)::int from lancamentos'), ['loja'])).rejects.toThrow('zero')
    expect(await contar(uma)).toBe(0)
    await closeSql(uma)
  })

  test('neither writes nor reads what is not for merchants', async () => {
    for (const texto of [
      'delete from lancamentos',
      'insert into lancamentos select * from lancamentos',
      'select chave from lancamentos',
      'select impressao from lancamentos',
      'select * from posicao',
      'select * from relay_cursor',
    ]) {
      await expect(bancada.leituras.unsafe(texto)).rejects.toThrow('permission denied')
    }
  })
})
