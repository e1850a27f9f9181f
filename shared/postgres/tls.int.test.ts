import { startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { postgresUrl } from '@fluxo/tests/stage/databases'
import { createTlsHouse, SERVER_NAME, type TlsHouse } from '@fluxo/tests/stage/tls-servers'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isInfrastructure } from './failure.ts'
import { closeSql, createSql, type Sql } from './sql.ts'
import { createTransactions } from './transactions.ts'

let house: TlsHouse
let server: Awaited<ReturnType<TlsHouse['postgres']>>
beforeAll(async () => {
  house = await createTlsHouse()
  server = await house.postgres()
})
afterAll(() => house.close())

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const address = (query: string, { host = SERVER_NAME, port = server.port, url = server.url() } = {}): string => {
  const there = new URL(url)
  there.host = `${host}:${port}`
  return `${there.href}?${query}`
}
const open = (url: string, max = 1, statementTimeoutMs = 15_000): Sql => {
  const sql = createSql({ url, max, name: 'tls', statementTimeoutMs })
  closers.push(() => closeSql(sql))
  return sql
}
const encrypted = async (sql: Sql): Promise<unknown> => {
  const [row] = await sql`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`
  return row
}
const root = (which: 'ca' | 'otherCa') => `sslrootcert=${encodeURIComponent(house[which])}`
const ADDRESS = '127.0.0.1'

const accepted: readonly [string, () => string][] = [
  ['verify-full, its authority and its name', () => address(`sslmode=verify-full&${root('ca')}`)],
  ['verify-ca by another name', () => address(`sslmode=verify-ca&${root('ca')}`, { host: ADDRESS })],
  ['require, its authority and another name', () => address(`sslmode=require&${root('ca')}`, { host: ADDRESS })],
  ['require, whoever it is', () => address('sslmode=require', { host: ADDRESS })],
]
test.each(accepted)('with %s statements run encrypted', async (_, url) => {
  expect(await encrypted(open(url()))).toEqual({ ssl: true, version: 'TLSv1.3' })
})

test('without sslmode, and with disable, nothing is encrypted', async () => {
  expect(await encrypted(open(server.url()))).toMatchObject({ ssl: false })
  expect(await encrypted(open(address('sslmode=disable&application_name=x')))).toMatchObject({ ssl: false })
})

const refused: readonly [string, string, () => string][] = [
  ['another authority', 'signature', () => address(`sslmode=verify-full&${root('otherCa')}`)],
  ['another authority for verify-ca', 'signature', () => address(`sslmode=verify-ca&${root('otherCa')}`)],
  ['another authority for require', 'signature', () => address(`sslmode=require&${root('otherCa')}`)],
  ['an address that it is not made out to', 'IP: 127.0.0.1', () => named(ADDRESS)],
  ["the system's authorities", 'certificate', () => address('sslmode=verify-full')],
  ["the system's authorities by name", 'certificate', () => address('sslmode=verify-full&sslrootcert=system')],
]
const named = (host: string): string => address(`sslmode=verify-full&${root('ca')}`, { host })

test.each(refused)(
  'a server is refused under %s, without an end, and that is nobody’s statement’s fault',
  async (_, why, url) => {
    const sql = open(url())
    for (let again = 0; again < 3; again += 1) {
      const error = await sql`select 1`.catch((failed: unknown) => failed)
      expect(error).toMatchObject({ code: 'TLS_REFUSED', message: expect.stringContaining(why) })
      expect(isInfrastructure(error)).toBe(true)
    }
  },
)

test('a certificate that is over is refused', async () => {
  const late = await house.postgres(-0.5)
  const url = address(`sslmode=verify-full&${root('ca')}`, { port: late.port, url: late.url() })
  await expect(open(url)`select 1`).rejects.toMatchObject({ code: 'TLS_REFUSED', message: /expired/ })
})

test('a server without TLS is refused, and told nothing', async () => {
  await expect(open(`${postgresUrl()}?sslmode=require`)`select 1`).rejects.toMatchObject({
    code: 'TLS_REFUSED',
    message: expect.stringContaining('does not offer it'),
  })
})

test('many statements, large ones, and transactions go through unchanged', async () => {
  const sql = open(named(SERVER_NAME), 4)
  const large = 'ção'.repeat(200_000)
  const numbers = Array.from({ length: 2_000 }, (_, i) => i)
  const [[row], ...rows] = await Promise.all([
    sql<{ texto: string }[]>`select ${large}::text as texto`,
    ...numbers.map((i) => sql<{ n: number }[]>`select ${i}::int as n`),
  ])
  expect(row?.texto).toBe(large)
  expect(rows.map(([one]) => one?.n)).toEqual(numbers)
  const transactions = createTransactions({ url: named(SERVER_NAME), max: 2, name: 'tls' })
  closers.push(transactions.close)
  const two = await transactions.run(async (tx) => [...(await tx`select 1 as n`), ...(await tx`select 2 as n`)])
  expect(two).toEqual([{ n: 1 }, { n: 2 }])
})

test('a closed pool says goodbye: the server has no session of it any more', async () => {
  const sql = createSql({ url: named(SERVER_NAME), max: 2, name: 'adeus' })
  await Promise.all([sql`select pg_sleep(0.05)`, sql`select pg_sleep(0.05)`])
  await closeSql(sql)
  const direct = open(server.url())
  const left = async () => (await direct`select 1 from pg_stat_activity where application_name = 'adeus'`).length
  await waitFor(async () => (await left()) === 0, { timeoutMs: 2_000, what: 'the end of the sessions' })
})

test('a half-open connection is given up after the same time as without TLS', async () => {
  const silence = async (query: string): Promise<number> => {
    const wire = await startCuttingProxy(server.port)
    closers.push(wire.stop)
    const sql = open(address(query, { port: wire.port }), 3, 500)
    await Promise.all(Array.from({ length: 6 }, () => sql`select pg_sleep(0.1)`))
    wire.silence()
    wire.heal()
    const began = performance.now()
    expect(isInfrastructure(await sql`select 1`.catch((failed: unknown) => failed))).toBe(true)
    const took = performance.now() - began
    for (let i = 0; i < 3; i += 1) expect(await sql`select 1 as um`).toMatchObject([{ um: 1 }])
    // Not two more rounds of waiting: the other two connections are gone as well.
    expect(performance.now() - began - took).toBeLessThan(2_000)
    return took
  }
  const [plain, tls] = await Promise.all([silence('sslmode=disable'), silence(`sslmode=verify-full&${root('ca')}`)])
  // 2.5 s of silence, and a look each half second.
  for (const took of [plain, tls]) expect(took).toBeGreaterThan(2_000)
  expect(Math.abs(tls - plain)).toBeLessThan(1_500)
})
