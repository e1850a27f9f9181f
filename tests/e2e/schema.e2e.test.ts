import { randomBytes } from 'node:crypto'
import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import { migrate } from '@fluxo/drizzle/migrate'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/local/free-port.ts'
import { createDatabase, startOwnRedis } from '../stage/databases.ts'
import { atRate, createClient } from '../stage/load.ts'
import { startService } from '../stage/service-process.ts'
import { startSystemWithEntregas } from '../stage/system-with-entregas.ts'
import { waitFor } from '../stage/wait-for.ts'
import { expectExactBooks } from './books.ts'
import { versionAfter, versionBefore } from './migrations.ts'

const START_MS = 30_000

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A service whose database is at the schema of the version before, while it waits. */
const startTooEarly = async (database: Database) => {
  const before = await versionBefore(database)
  closers.push(before.remove)
  const { appUrl, ownerUrl, drop } = await createDatabase({
    role: database,
    migrate: (url) => migrate({ database, url, folder: before.folder }),
  })
  closers.push(drop)
  const redis = await startOwnRedis()
  closers.push(redis.remove)
  const port = await freePort()
  const env = {
    PORT: String(port),
    REDIS_URL: redis.url,
    JWT_SECRET: randomBytes(32).toString('hex'),
    FEED_URL: 'http://127.0.0.1:9',
    [`DATABASE_URL_${database.toUpperCase()}`]: appUrl,
  }
  let output = ''
  let pid = 0
  const started = startService(database, env, {
    onOutput: (chunk) => {
      output += String(chunk)
    },
    onPid: (given) => {
      pid = given
    },
  })
  closers.push(() => started.then((service) => service.end('SIGTERM')).catch(() => {}))
  const ready = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined)
    return { status: answer?.status, body: await answer?.text() }
  }
  await waitFor(async () => (await ready()).status !== undefined, { timeoutMs: START_MS, what: 'it to listen' })
  return { ...before, ownerUrl, started, ready, output: () => output, pid }
}

describe('a service that is newer than its database', () => {
  test.each(DATABASES)(
    '%s is not ready, says why in one sentence, and goes on once it is migrated',
    async (database) => {
      const { lacks, ownerUrl, started, ready, output } = await startTooEarly(database)
      const why = `the database ${database} lacks ${lacks}: migrate it first`
      const { status, body } = await ready()
      expect([status, JSON.parse(body ?? '{}')]).toMatchObject([503, { pronto: false }])
      expect(body).toContain(why)
      await waitFor(() => output().includes(why), { what: 'the line in its log' })
      await migrate({ database, url: ownerUrl })
      const { url } = await started
      expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    },
  )

  test('it may be stopped while it waits, and ends as it should', async () => {
    const { started, output, pid } = await startTooEarly('lancamentos')
    process.kill(pid, 'SIGTERM')
    await expect(started).rejects.toThrow('ended with 0')
    expect(output()).not.toContain('"level":"fatal"')
    expect(output()).not.toContain('"msg":"ready"')
  })
})

/** What a newer version may add. Its columns are nullable or have a constant default, since the older services name neither. */
const ADDED: Readonly<Record<Database, readonly string[]>> = {
  lancamentos: ['alter table lancamentos add column novo text', 'create table nova (id bigint primary key)'],
  consolidado: ["alter table saldo add column novo text not null default ''"],
  entregas: ['alter table pedido add column novo text', 'alter table evento add column novo smallint'],
}
const PER_SECOND = 60
const SECONDS = 10

test('older services go on beside a newer schema: migrated under load, nothing fails, the books are exact', async () => {
  const { core, entregas, sender, orders, stop } = await startSystemWithEntregas({ lancamentos: 2 })
  closers.push(stop)
  const client = createClient()
  closers.push(async () => client.close())
  const [seller, buyer] = [await core.as('loja'), { Authorization: await sender('loja') }]
  let answered = 0
  const failed: string[] = []
  const send = async (url: string | undefined, headers: Record<string, string>, body?: object) => {
    const json = { ...headers, 'Content-Type': 'application/json' }
    const answer = await client.send(String(url), {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: json,
    })
    answered += 1
    if (answer.status >= 300) failed.push(`${answer.status} ${url} ${answer.body}`)
  }
  const entry = { tipo: 'CREDITO', valor: 1, descricao: 'x', data: '2025-10-15' }
  const requests = [
    (n: number) => send(`${core.lancamentos[n % 2]?.url}/lancamentos`, seller, entry),
    () => send(`${entregas.url}/orders`, buyer, { customer_name: 'Ana', address: 'Rua A', valor: 2 }),
    () => send(`${core.consolidado[0]?.url}/consolidado/2025-10-15`, seller),
  ]
  const load = atRate(PER_SECOND, SECONDS, async (n) => requests[n % requests.length]?.(n))
  const urls = {
    lancamentos: core.databases.ledger,
    consolidado: core.databases.balances,
    entregas: orders,
  }
  for (const database of DATABASES) {
    const { folder, remove } = await versionAfter(database, ...ADDED[database])
    closers.push(remove)
    const before = answered
    await waitFor(() => answered > before + PER_SECOND)
    await migrate({ database, url: urls[database].ownerUrl, folder })
  }
  // One that starts now is an older one, too.
  await core.addLancamentos()
  await Promise.all(await load)
  expect(failed).toEqual([])
  expect(answered).toBe(PER_SECOND * SECONDS)
  const perKind = answered / requests.length
  const entries = async () => (await core.ledger<{ n: number }[]>`select count(*)::int as n from lancamentos`)[0]?.n
  await waitFor(async () => (await entries()) === 2 * perKind, { timeoutMs: START_MS, what: 'the money' })
  await core.caughtUp()
  expect(await expectExactBooks(core)).toBe(2 * perKind)
  process.stdout.write(`three migrations under load: ${answered} requests, ${failed.length} failed\n`)
})
