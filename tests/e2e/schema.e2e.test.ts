import { randomBytes } from 'node:crypto'
import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import { migrate } from '@fluxo/drizzle/migrate'
import { describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/local/free-port.ts'
import { createServiceDatabase, startOwnRedis } from '../stage/databases.ts'
import { closedAfterEach } from '../stage/later.ts'
import { atRate, createClient } from '../stage/load.ts'
import { startService } from '../stage/service-process.ts'
import { environmentOf } from '../stage/services.ts'
import { ONE_OF_EACH, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'
import { expectExactBooks } from './books.ts'
import { versionAfter, versionBefore } from './migrations.ts'

const START_MS = 30_000

const later = closedAfterEach()

/** A service whose database is at the schema of the version before, while it waits. */
const startTooEarly = async (database: Database) => {
  const before = later((one) => one.remove(), await versionBefore(database))
  const made = await createServiceDatabase(database, { folder: before.folder })
  const { appUrl: databaseUrl, ownerUrl } = later((one) => one.drop(), made)
  const redis = later((one) => one.remove(), await startOwnRedis())
  const port = await freePort()
  const jwtSecret = randomBytes(32).toString('hex')
  const around = { databaseUrl, redisUrl: redis.url, jwtSecret, instance: 'teste', urlOf: () => 'http://127.0.0.1:9' }
  const env = { ...environmentOf(database, around), PORT: String(port) }
  let output = ''
  let pid = 0
  const started = startService(database, env, {
    onOutput: (chunk) => {
      output += String(chunk)
    },
    onBegun: (begun) => {
      pid = begun.pid
    },
  })
  void later((one) => one.then((service) => service.end('SIGTERM')).catch(() => {}), started)
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
  avisos: ['alter table webhook add column novo text', 'alter table aviso add column novo smallint'],
}
const PER_SECOND = 60
const SECONDS = 10

test('older services go on beside a newer schema: migrated under load, nothing fails, the books are exact', async () => {
  const system = later((all) => all.stop(), await startSystem({ ...ONE_OF_EACH, lancamentos: 2 }))
  const client = later((one) => one.close(), createClient())
  const merchant = await system.as('loja')
  let answered = 0
  const failed: string[] = []
  const send = async (url: string | undefined, body?: object) => {
    const answer = await client.send(String(url), {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { ...merchant, 'Content-Type': 'application/json' },
    })
    answered += 1
    if (answer.status >= 300) failed.push(`${answer.status} ${url} ${answer.body}`)
  }
  const entry = { tipo: 'CREDITO', valor: 1, descricao: 'x', data: '2025-10-15' }
  const requests = [
    (n: number) => send(`${system.instances.lancamentos[n % 2]?.url}/lancamentos`, entry),
    () => send(`${system.url('entregas')}/orders`, { customer_name: 'Ana', address: 'Rua A', valor: 2 }),
    () => send(`${system.url('consolidado')}/consolidado/2025-10-15`),
  ]
  const load = atRate(PER_SECOND, SECONDS, async (n) => requests[n % requests.length]?.(n))
  for (const database of DATABASES) {
    const { folder } = later((one) => one.remove(), await versionAfter(database, ...ADDED[database]))
    const before = answered
    await waitFor(() => answered > before + PER_SECOND)
    await migrate({ database, url: system.databases[database].ownerUrl, folder })
  }
  // One that starts now is an older one, too.
  await system.add('lancamentos')
  await Promise.all(await load)
  expect(failed).toEqual([])
  expect(answered).toBe(PER_SECOND * SECONDS)
  const perKind = answered / requests.length
  const entries = async () =>
    (await system.sql.lancamentos<{ n: number }[]>`select count(*)::int as n from lancamentos`)[0]?.n
  await waitFor(async () => (await entries()) === 2 * perKind, { timeoutMs: START_MS, what: 'the money' })
  await system.caughtUp()
  expect(await expectExactBooks(system.sql)).toBe(2 * perKind)
  process.stdout.write(`${DATABASES.length} migrations under load: ${answered} requests, ${failed.length} failed\n`)
})
