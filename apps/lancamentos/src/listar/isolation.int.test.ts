import { ownRows } from '@fluxo/shared/postgres/own-rows'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'
import type { LancamentoFilters } from './listar.ts'
import { createLancamentoReadStore, READ_SETTINGS } from './store.ts'

const MERCHANTS = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const DATA = '2025-10-15'

let stage: LedgerTestApp
/** Of each merchant, by id. */
const idsOf = new Map<string, string[]>()

beforeAll(async () => {
  stage = await createLedgerTestApp()
  for (const merchant of MERCHANTS) {
    const ask = await stage.askAs(merchant)
    const ids: string[] = []
    for (let i = 0; i < 4; i += 1) {
      const answer = await ask(
        '/lancamentos',
        json({
          valor: i + 1,
          tipo: i % 2 ? 'DEBITO' : 'CREDITO',
          descricao: merchant,
          data: DATA,
          referencia: `r-${i}`,
        }),
      )
      ids.push(((await answer.json()) as { id: string }).id)
    }
    idsOf.set(merchant, ids)
  }
})
afterAll(() => stage.close())

const FILTER = '"lancamentos"."comerciante_id" = $1'

/** The store's own statements on `sql`, each without the filter that names the merchant. */
function withoutFilter(sql: Sql) {
  const without = { unsafe: (statement: string, ...rest: [never]) => sql.unsafe(forget(statement), ...rest) }
  return createLancamentoReadStore(without as unknown as Sql)
}
function forget(statement: string): string {
  expect(statement).toContain(FILTER)
  return statement.replace(FILTER, '$1::text is not null')
}

const FILTERS: LancamentoFilters[] = [
  {},
  { de: DATA, ate: DATA },
  { tipo: 'DEBITO' },
  { referencia: 'r-2' },
  { de: '2025-01-01', tipo: 'CREDITO', referencia: 'r-0' },
]

describe('with the application’s filter removed, row-level security stands behind it', () => {
  test('every list is still the merchant’s own, with any filters and on any page', async () => {
    const whole = createLancamentoReadStore(stage.reads)
    const unfiltered = withoutFilter(stage.reads)
    for (const merchant of MERCHANTS) {
      for (const filters of FILTERS) {
        for (const after of [undefined, [DATA, '10'] as const]) {
          const correct = await whole.listar(merchant, filters, after, 100)
          expect(await unfiltered.listar(merchant, filters, after, 100)).toEqual(correct)
        }
      }
      const seen = (await unfiltered.listar(merchant, {}, undefined, 100)).map(({ id }) => id)
      expect(new Set(seen)).toEqual(new Set(idsOf.get(merchant)))
    }
  })

  test('an id of another merchant is still nobody’s', async () => {
    const unfiltered = withoutFilter(stage.reads)
    for (const merchant of MERCHANTS) {
      for (const [owner, ids] of idsOf) {
        for (const id of ids)
          expect((await unfiltered.byId(merchant, id))?.id).toBe(owner === merchant ? id : undefined)
      }
    }
  })

  test('concurrent reads of many merchants on few connections never mix', async () => {
    const few = createSql({ ...connection(), max: 2, settings: READ_SETTINGS })
    const unfiltered = withoutFilter(few)
    const requests = Array.from({ length: 400 }, (_, i) => MERCHANTS[i % MERCHANTS.length] ?? MERCHANTS[0])
    const lists = await Promise.all(requests.map((merchant) => unfiltered.listar(merchant, {}, undefined, 100)))
    lists.forEach((list, i) => {
      expect(new Set(list.map(({ comercianteId }) => comercianteId))).toEqual(new Set([requests[i]]))
    })
    await closeSql(few)
  })

  test('the same statements show everybody’s rows to a role that is not under it: it is what holds', async () => {
    const all = await withoutFilter(stage.sql).listar('loja', {}, undefined, 100)
    expect(new Set(all.map(({ comercianteId }) => comercianteId))).toEqual(new Set(MERCHANTS))
  })
})

const connection = () => ({ url: stage.databaseUrl, name: 'teste isolamento' })

describe('the role of reads', () => {
  const count = async (sql: Sql, statement = 'select count(*)::int as n from lancamentos') =>
    Number((await sql.unsafe<{ n: number }[]>(statement))[0]?.n)

  test('sees nothing where no merchant was set, also right after another request of the same connection', async () => {
    const one = createSql({ ...connection(), max: 1, settings: READ_SETTINGS })
    expect(await count(one)).toBe(0)
    expect(await createLancamentoReadStore(one).listar('loja', {}, undefined, 100)).toHaveLength(4)
    expect(await count(one)).toBe(0)
    // A statement that fails leaves nothing behind either.
    await expect(one.unsafe(ownRows('select 1 / (id is null)::int from lancamentos'), ['loja'])).rejects.toThrow('zero')
    expect(await count(one)).toBe(0)
    await closeSql(one)
  })

  test('neither writes nor reads what is not for merchants', async () => {
    for (const statement of [
      'delete from lancamentos',
      'insert into lancamentos select * from lancamentos',
      'select chave from lancamentos',
      'select impressao from lancamentos',
      'select * from posicao',
      'select * from relay_cursor',
    ]) {
      await expect(stage.reads.unsafe(statement)).rejects.toThrow('permission denied')
    }
  })
})
