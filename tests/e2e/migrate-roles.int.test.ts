import { migrate } from '@fluxo/drizzle/migrate'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, ensureRole, runStatements } from '../../scripts/local/ensure-database.ts'
import { startOwnPostgres } from '../stage/databases.ts'

const PASSWORD = 'senha_de_teste'
const DATABASES = [
  { database: 'lancamentos', table: 'lancamentos' },
  { database: 'consolidado', table: 'saldo' },
  { database: 'entregas', table: 'pedido' },
  { database: 'avisos', table: 'evento' },
] as const

/** A cluster of its own: roles belong to all of one. */
let server: Awaited<ReturnType<typeof startOwnPostgres>>
beforeAll(async () => {
  server = await startOwnPostgres()
})
afterAll(() => server.remove())

/** What a connection sees as itself and as the role of reads. */
const countsOf = async (url: string, table: string, role: string) => {
  const count = async (settings: Record<string, string>) => {
    const sql = createSql({ url, max: 1, name: 'teste', settings })
    try {
      const [row] = await sql.unsafe<{ n: number }[]>(`select count(*)::int as n from ${table}`)
      return row?.n
    } finally {
      await closeSql(sql)
    }
  }
  return [await count({}), await count({ role }), await count({ role, 'fluxo.comerciante': 'loja-1' })]
}

const seeds = {
  lancamentos: `insert into lancamentos (particao, posicao, id, comerciante_id, tipo, valor, data, descricao, impressao, created_at)
    select 0, g, gen_random_uuid(), 'loja-' || g, 1, 1, '2025-10-15', 'x', '\\x00', now() from generate_series(1, 3) g`,
  consolidado: `insert into saldo select 1, 'loja-' || g, '2025-10-15', 1, 0, 1, 1, now() from generate_series(1, 3) g`,
  entregas: `insert into pedido (id, comerciante_id, customer_name, address, status, version, ocorrido_em, created_at, updated_at)
    select gen_random_uuid(), 'loja-' || g, 'Ana', 'Rua A', 0, 1, now(), now(), now() from generate_series(1, 3) g`,
  avisos: `insert into evento (comerciante_id, seq, id, em, tipo, corpo)
    select 'loja-' || g, 1, gen_random_uuid(), now(), 'x', '{}' from generate_series(1, 3) g`,
}

describe.each(DATABASES)('$database', ({ database, table }) => {
  test('an owner that may make roles and nothing else migrates it, and the service reads as its role of reads', async () => {
    const admin = server.url()
    await ensureRole(admin, database, PASSWORD)
    await runStatements(admin, [
      "do $$ begin create role dono login createrole password 'senha_de_teste'; exception when duplicate_object then null; end $$",
      `create database ${database} owner dono`,
    ])
    const url = databaseUrl(admin, database, { role: 'dono', password: PASSWORD })
    await migrate({ database, url })
    await migrate({ database, url })
    await runStatements(databaseUrl(admin, database), [seeds[database]])
    const app = databaseUrl(admin, database, { role: database, password: PASSWORD })
    expect(await countsOf(app, table, `${database}_leitura`)).toEqual([3, 0, 1])
  })

  test('one login for everything, which is no superuser, can serve too, and is under row-level security where it reads', async () => {
    const admin = server.url()
    const single = `unico_${database}`
    await ensureRole(admin, single, PASSWORD)
    await runStatements(admin, [
      `alter role ${single} createrole`,
      // As on a server where nothing of ours was before.
      `drop database if exists ${database} with (force)`,
      `drop role if exists ${database}, ${database}_leitura`,
      `create database ${single} owner ${single}`,
    ])
    const url = databaseUrl(admin, single, { role: single, password: PASSWORD })
    await migrate({ database, url })
    await runStatements(url, [seeds[database]])
    expect(await countsOf(url, table, `${database}_leitura`)).toEqual([3, 0, 1])
  })
})
