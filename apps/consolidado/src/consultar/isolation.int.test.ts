import type { Sql } from '@fluxo/shared/postgres/sql'
import { createPolicy } from '@fluxo/shared/resilience/policy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'
import { createBalanceReadStore, isAway, READ_LIMITS } from './store.ts'

const MERCHANTS = ['loja', 'Loja', 'loja.', 'loja-1', 'loja-10'] as const
const DAYS = ['2025-10-14', '2025-10-15'] as const

let stage: QueryStage
beforeAll(async () => {
  stage = await createQueryStage()
  for (const [i, comercianteId] of MERCHANTS.entries()) {
    for (const data of DAYS) await stage.projetar({ comercianteId, data, creditos: BigInt(10 ** i), quantidade: i + 1 })
  }
})
afterAll(() => stage.close())

const FILTER = /(?:s\.)?comerciante_id = \$1/g
const storeOf = (sql: Sql) =>
  createBalanceReadStore({ sql, policy: createPolicy({ ...READ_LIMITS, name: 'teste', isTransient: isAway }) })

/** The store's own statements on `sql`, each without the filter that names the merchant. */
function withoutFilter(sql: Sql) {
  const forget = (statement: string): string => {
    expect(statement).toMatch(FILTER)
    return statement.replace(FILTER, '$1::text is not null')
  }
  return storeOf({
    unsafe: (statement: string, ...rest: [never]) => sql.unsafe(forget(statement), ...rest),
  } as unknown as Sql)
}

test('with the application’s filter removed, every day and period is still the merchant’s own', async () => {
  const unfiltered = withoutFilter(stage.reads)
  const correct = storeOf(stage.reads)
  for (const [i, merchant] of MERCHANTS.entries()) {
    const day = await unfiltered.readDay(merchant, DAYS[1])
    expect(day).toEqual(await correct.readDay(merchant, DAYS[1]))
    expect([day.creditos, day.quantidade]).toEqual([BigInt(10 ** i), i + 1])
    const period = await unfiltered.readPeriod(merchant, DAYS[1], DAYS[1])
    expect(period).toEqual(await correct.readPeriod(merchant, DAYS[1], DAYS[1]))
    expect(period).toMatchObject({ openingSaldo: BigInt(10 ** i), days: [{ creditos: BigInt(10 ** i) }] })
  }
  expect((await unfiltered.readDay('ninguem', DAYS[1])).quantidade).toBe(0)
})

test('the same statements show everybody’s days to a role that is not under it: it is what holds', async () => {
  const { days } = await withoutFilter(stage.sql).readPeriod('loja', DAYS[0], DAYS[1])
  expect(days).toHaveLength(MERCHANTS.length * DAYS.length)
})

test('the role of reads sees nothing where no merchant was set, and writes nothing', async () => {
  for (let i = 0; i < 8; i += 1) {
    expect((await stage.store.readDay('loja', DAYS[0])).quantidade).toBe(1)
    expect(await stage.reads`select * from saldo`).toHaveLength(0)
  }
  for (const statement of ['delete from saldo', 'update projecao set geracao = 2', 'select * from carta_morta']) {
    await expect(stage.reads.unsafe(statement)).rejects.toThrow('permission denied')
  }
})
