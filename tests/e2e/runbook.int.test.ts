import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import { createLease, type Lease } from '@fluxo/shared/postgres/lease'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../../scripts/data-folder.ts'
import { createServiceDatabase, postgresUrl, type TestDatabase } from '../stage/databases.ts'
import { runbook, type Statement, sectionOf, statements, statementsOf } from '../stage/runbook.ts'
import { waitFor } from '../stage/wait-for.ts'

const log = createLogger({ service: 'teste', level: 'silent' })
const databases = new Map<string, { database: TestDatabase; sql: Sql }>()
const at = (name: string) => {
  const found = databases.get(name)
  if (found === undefined) throw new Error(`the runbook names the database "${name}"`)
  return found
}
/** As a superuser in the database that it is for, with what the operator fills in. */
const run = ({ database, text }: Statement, given: Readonly<Record<string, string>> = {}) =>
  at(database).sql.unsafe(
    text
      .replaceAll(/<(\w+)>/g, (_, name) => given[name] ?? `<${name}>`)
      // As the shell does it.
      .replace('$(heads lancamentos)', '(0, 7)'),
  )

beforeAll(async () => {
  for (const name of DATABASES) {
    const database = await createServiceDatabase(name)
    databases.set(name, { database, sql: createSql({ url: database.ownerUrl, max: 1, name: 'runbook' }) })
  }
  const server = { ownerUrl: postgresUrl(), appUrl: '', drop: async () => {} }
  databases.set('postgres', { database: server, sql: createSql({ url: server.ownerUrl, max: 1, name: 'runbook' }) })
})
afterAll(async () => {
  for (const { sql, database } of databases.values()) {
    await closeSql(sql)
    await database.drop()
  }
})

/** They change the server itself, or write to the operator's terminal: the restore drill runs those. */
const ELSEWHERE = /^(drop database|copy) /
const here = statements.filter(({ text }) => !ELSEWHERE.test(text))

describe('each statement of the runbook runs on a migrated database', () => {
  test.each(here)('$database: $text', async (statement) => {
    await run(statement, { pid: '0', pool: 'lancamentos' })
  })

  test('and no other statement stands in it, which nobody would try', () => {
    expect(here.length).toBeGreaterThan(10)
    const spans = [...runbook.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
    expect(spans.filter((code) => /^(select|update|delete|insert|alter|psql)\b.* /.test(code))).toEqual([])
  })
})

/** Leases as the services hold them: the relay of each log, with the same numbers in two databases. */
const hold = async (name: Database, key: readonly [number, number], as: string): Promise<Lease> => {
  const lease = createLease({ url: at(name).database.ownerUrl, key, name: as, log })
  void lease.whileHeld((signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())))
  await waitFor(() => lease.held(), { what: `the lease of ${as}` })
  return lease
}

test('FluxoNoRelay names the holder in its own database, where several have a relay', async () => {
  const [holder, end] = statementsOf('### FluxoNoRelay')
  if (holder === undefined || end === undefined)
    throw new Error('the runbook tells who holds the lock, and how to end it')
  const leases = [
    await hold('lancamentos', [LOCKS.relay, 0], 'relay'),
    await hold('entregas', [LOCKS.relay, 0], 'relay entregas'),
  ]
  try {
    const found = async (database: string) => {
      const rows = await run({ ...holder, database })
      const pids = rows.map(({ pid }) => Number(pid))
      const names = await at(database)
        .sql`select application_name from pg_stat_activity where pid in ${at(database).sql([0, ...pids])}`
      return { pids, names: names.map(({ application_name: name }) => String(name)) }
    }
    const relay = await found('lancamentos')
    expect(relay.names).toEqual(['relay'])
    expect((await found('entregas')).names).toEqual(['relay entregas'])
    await run(end, { pid: String(relay.pids[0]) })
    await waitFor(async () => (await found('lancamentos')).pids[0] !== relay.pids[0], { what: 'it to be ended' })
    expect((await found('entregas')).names).toEqual(['relay entregas'])
  } finally {
    for (const lease of leases) await lease.stop()
  }
})

describe('the backup covers every database', () => {
  const backup = sectionOf('## Backup and restore')

  test('the loop of dumps names those that the services have', () => {
    const named = /for database in ([\w ]+); do/.exec(backup)?.[1]?.split(' ')
    expect(new Set(named)).toEqual(new Set(DATABASES))
  })

  test('and these are the databases that a volume is made with', () => {
    const script = readFileSync(join(root, 'deploy', 'postgres', '10-fluxo.sh'), 'utf8')
    const made = /create database %I[\s\S]*?from \(values (.*?)\) wanted\(name\)/.exec(script)?.[1]
    const names = [...(made ?? '').matchAll(/'(\w+)'/g)].map(([, name]) => name)
    expect(new Set(names)).toEqual(new Set(DATABASES))
  })
})
