import { setTimeout as delay } from 'node:timers/promises'
import { type CuttingProxy, startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { postgresUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { createTlsHouse, SERVER_NAME, type TlsHouse } from '@fluxo/tests/stage/tls-servers'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isInfrastructure } from './failure.ts'
import { createLease } from './lease.ts'
import { closeSql, createSql } from './sql.ts'
import { createTransactions } from './transactions.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

let house: TlsHouse
let underTls: Awaited<ReturnType<TlsHouse['postgres']>>
beforeAll(async () => {
  house = await createTlsHouse()
  underTls = await house.postgres()
})
afterAll(() => house.close())

type Server = { directUrl: () => string; openWire: () => Promise<{ wire: CuttingProxy; url: string }> }

const inClear: Server = {
  directUrl: postgresUrl,
  openWire: async () => {
    const direct = new URL(postgresUrl())
    const port = Number(direct.port)
    const wire = await startCuttingProxy({ targets: () => [port], speaks: 'postgres' })
    closers.push(wire.stop)
    direct.port = String(wire.port)
    return { wire, url: direct.href }
  },
}
/** The wire cannot read what goes through: a reply is then whatever comes next. */
const encrypted: Server = {
  directUrl: () => underTls.url(),
  openWire: async () => {
    const wire = await startCuttingProxy(underTls.port)
    closers.push(wire.stop)
    const there = new URL(underTls.url())
    there.host = `${SERVER_NAME}:${wire.port}`
    return { wire, url: `${there.href}?sslmode=verify-full&sslrootcert=${encodeURIComponent(house.ca)}` }
  },
}
const quiet = { info: () => {}, warn: () => {} } as never

describe.each([
  ['in clear', inClear],
  ['under TLS', encrypted],
])('%s', (_, { directUrl, openWire }) => {
  test('half-open connections are given up, all at once, and the pool goes on with new ones', async () => {
    const { wire, url } = await openWire()
    const sql = createSql({ url, max: 3, name: 'half-open', statementTimeoutMs: 500 })
    closers.push(() => closeSql(sql))
    await Promise.all(Array.from({ length: 6 }, () => sql`select pg_sleep(0.1)`))
    wire.silence()
    wire.heal()
    const error = await sql`select 1`.catch((failed: unknown) => failed)
    expect(isInfrastructure(error)).toBe(true)
    // Not two more rounds of waiting: the other two connections are gone as well.
    const began = performance.now()
    for (let i = 0; i < 3; i += 1) expect(await sql`select 1 as um`).toMatchObject([{ um: 1 }])
    expect(performance.now() - began).toBeLessThan(2_000)
  })

  test('a connection that is merely slow is left alone', async () => {
    const { wire, url } = await openWire()
    const sql = createSql({ url, max: 1, name: 'slow', statementTimeoutMs: 500 })
    closers.push(() => closeSql(sql))
    const [before] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    wire.shape({ latencyMs: 700 })
    await sql`select 1`
    wire.heal()
    // Longer at rest than an answer may take.
    await delay(4_000)
    const [after] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    expect(after?.pid).toBe(before?.pid)
  })

  test('a transaction whose connection is cut, at whatever reply, is undone and harms no other', async () => {
    const { wire, url } = await openWire()
    const table = uniquePrefix('corte')
    const direct = createSql({ url: directUrl(), max: 1, name: 'direct' })
    closers.push(async () => {
      await direct.unsafe(`drop table if exists ${table}`)
      await closeSql(direct)
    })
    await direct.unsafe(`create table ${table} (lote int, linha int)`)
    const transactions = createTransactions({ url, max: 2, name: 'corte' })
    closers.push(transactions.close)

    const insert = (lote: number) =>
      transactions.run(async (tx) => {
        await tx.unsafe(`insert into ${table} values (${lote}, 1)`)
        if (lote % 3 === 0) wire.reset()
        // A moment in which the connection may go while nothing is asked of it.
        await delay(lote % 2)
        await tx.unsafe(`insert into ${table} values (${lote}, 2)`)
      })
    const outcomes: PromiseSettledResult<void>[] = []
    for (let lote = 0; lote < 60; lote += 2) {
      if (lote % 5 === 0) wire.loseNextReply()
      outcomes.push(...(await Promise.allSettled([insert(lote), insert(lote + 1)])))
    }
    const rows = await direct.unsafe<{ lote: number; linhas: number }[]>(
      `select lote, count(*)::int as linhas from ${table} group by lote`,
    )
    const lines = new Map(rows.map((row) => [row.lote, row.linhas]))
    expect(rows.every((row) => row.linhas === 2)).toBe(true)
    outcomes.forEach((outcome, lote) => {
      if (outcome.status === 'fulfilled') expect(lines.get(lote)).toBe(2)
      else expect(isInfrastructure(outcome.reason)).toBe(true)
    })
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(5)
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(5)
  })

  test('a connection that is cut while it is being opened rejects its transaction, and nothing else', async () => {
    const { wire, url } = await openWire()
    for (let replies = 0; replies < 8; replies += 1) {
      const transactions = createTransactions({ url, max: 1, name: 'abertura' })
      wire.loseNextReply()
      const first = transactions.run((tx) => tx`select 1`).catch((failed: unknown) => failed)
      await delay(replies)
      wire.reset()
      const failed = await first
      if (failed instanceof Error) expect(isInfrastructure(failed)).toBe(true)
      wire.heal()
      expect(await transactions.run((tx) => tx`select 1 as um`)).toMatchObject([{ um: 1 }])
      await transactions.close()
    }
  })

  test('a lease whose holder is cut off without a word passes to another within seconds', async () => {
    const { wire, url } = await openWire()
    const key = [7_264_999, Math.floor(Math.random() * 2 ** 30)] as const
    const holder = createLease({ url, key, name: 'holder', log: quiet })
    const other = createLease({ url: directUrl(), key, name: 'other', log: quiet })
    closers.push(holder.stop, other.stop)
    const untilLost = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    void holder.whileHeld(untilLost)
    await waitFor(holder.held)
    void other.whileHeld(untilLost)
    wire.silence()
    await waitFor(other.held, { timeoutMs: 20_000, what: 'the other holds the lease' })
  })
})
