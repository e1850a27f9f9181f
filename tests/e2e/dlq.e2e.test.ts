import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createServiceDatabase } from '../stage/databases.ts'

const script = fileURLToPath(new URL('../../scripts/dlq.ts', import.meta.url))
const EVENT = '{"id":"x","type":"pedido.entregue.v9"}'

// Those of consolidado: poison.e2e.test.ts; redriving these: poison-orders.e2e.test.ts.
describe.each([
  ['lancamentos', 'carta_morta'],
  ['entregas', 'carta_morta'],
  ['avisos', 'carta_pedidos'],
] as const)('the dead letters of who follows the orders, in %s', (service, table) => {
  let env: Record<string, string>
  let drop: () => Promise<void>
  beforeAll(async () => {
    const database = await createServiceDatabase(service)
    drop = database.drop
    const sql = createSql({ url: database.ownerUrl, max: 1, name: 'teste' })
    await sql`insert into ${sql(table)} (particao, posicao, evento, motivo, criada_em)
      values (0, 7, ${EVENT}, 'unknown type', now() - interval '1 hour'), (0, 9, '{}', 'not an event', now())`
    await closeSql(sql)
    env = { [`DATABASE_URL_${service.toUpperCase()}`]: database.appUrl }
  })
  afterAll(() => drop())

  const dlq = (...args: string[]) => {
    const options = {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], FLUXO_DATA: '/nonexistent', ...env },
    } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, '--de', service], options)
    return { status, lines: stdout.trim().split('\n'), stderr }
  }

  test('are listed with their reasons, the oldest first', () => {
    const lines = [`${service}  0:7  attempts 1  unknown type`, `${service}  0:9  attempts 1  not an event`]
    expect(dlq('list')).toMatchObject({ status: 0, lines: [...lines, `${lines.length} dead letters`] })
    const parsed = dlq('list', '--json', '--limite', '1').lines.map((line) => JSON.parse(line))
    expect(parsed).toEqual([
      { grupo: service, particao: 0, posicao: 7, tentativas: 1, motivo: 'unknown type', evento: EVENT },
    ])
  })

  test('are shown whole, one by one', () => {
    expect(dlq('show', '0:7')).toMatchObject({ status: 0, lines: [`${service}  0:7  attempts 1  unknown type`, EVENT] })
    expect(dlq('show', '0:5')).toMatchObject({ status: 1, stderr: expect.stringContaining('no dead letter at 0:5') })
    expect(dlq('show', 'x')).toMatchObject({ status: 2, stderr: expect.stringContaining('such as 0:17') })
  })
})
