import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { migrate } from '@fluxo/drizzle/migrate'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createDatabase } from '@fluxo/shared/testing/databases'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../scripts/dlq.ts', import.meta.url))
const EVENT = '{"id":"x","type":"pedido.entregue.v9"}'

// Those of consolidado: e2e/poison.e2e.test.ts.
describe.each(['lancamentos', 'entregas'] as const)('the dead letters of who follows the orders, in %s', (banco) => {
  let env: Record<string, string>
  let drop: () => Promise<void>
  beforeAll(async () => {
    const database = await createDatabase({ role: banco, migrate: (url) => migrate({ database: banco, url }) })
    drop = database.drop
    const sql = createSql({ url: database.ownerUrl, max: 1, name: 'teste' })
    await sql`insert into carta_morta (particao, posicao, evento, motivo, criada_em)
      values (0, 7, ${EVENT}, 'unknown type', now() - interval '1 hour'), (0, 9, '{}', 'not an event', now())`
    await closeSql(sql)
    env = { [`DATABASE_URL_${banco.toUpperCase()}`]: database.appUrl }
  })
  afterAll(() => drop())

  const dlq = (...args: string[]) => {
    const options = { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, '--de', banco], options)
    return { status, lines: stdout.trim().split('\n'), stderr }
  }

  test('are listed with their reasons, the oldest first', () => {
    expect(dlq('list')).toMatchObject({
      status: 0,
      lines: ['0:7  unknown type', '0:9  not an event', '2 dead letters'],
    })
    const { lines } = dlq('list', '--json', '--limite', '1')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { particao: 0, posicao: 7, motivo: 'unknown type', evento: EVENT },
    ])
  })

  test('are shown whole, one by one', () => {
    expect(dlq('show', '0:7')).toMatchObject({ status: 0, lines: ['unknown type', EVENT] })
    expect(dlq('show', '0:8')).toMatchObject({ status: 1, stderr: expect.stringContaining('no dead letter at 0:8') })
    expect(dlq('show', 'x')).toMatchObject({ status: 2, stderr: expect.stringContaining('such as 0:17') })
  })

  test('are not redriven, and what to do is named', () => {
    expect(dlq('redrive')).toMatchObject({ status: 2, stderr: expect.stringContaining('docs/operations.md') })
  })
})
