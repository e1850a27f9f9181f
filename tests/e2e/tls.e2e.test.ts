import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { signToken } from '@fluxo/shared/http/tokens'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { afterEach, expect, test } from 'vitest'
import { createDatabase } from '../stage/databases.ts'
import { startService } from '../stage/service-process.ts'
import { SERVICE_NAMES, SERVICES, type Service } from '../stage/services.ts'
import { createTlsHouse, SERVER_NAME } from '../stage/tls-servers.ts'
import { waitFor } from '../stage/wait-for.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const DAY = '2025-10-15'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const run = (script: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${script}.ts`, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', FLUXO_DATA: '/nonexistent', ...env },
    encoding: 'utf8',
    timeout: 120_000,
  })
  return { status, text: stdout + stderr }
}

/** Fresh databases on a server with TLS, and the URLs of each by it: of its owner, and of its service. */
const openServers = async () => {
  const house = await createTlsHouse()
  closers.push(house.close)
  const server = await house.postgres()
  const redis = await house.redis()
  const tls = `sslmode=verify-full&sslrootcert=${encodeURIComponent(house.ca)}`
  const byName = (url: string, query = tls): string => `${url.replace('127.0.0.1', SERVER_NAME)}?${query}`
  const env: Record<string, string> = {
    REDIS_URL: redis ? `rediss://${SERVER_NAME}:${redis.tlsPort}?sslrootcert=${encodeURIComponent(house.ca)}` : '',
  }
  for (const role of SERVICE_NAMES) {
    const { ownerUrl, appUrl } = await createDatabase({ role, serverUrl: server.url() })
    env[`DATABASE_URL_${role.toUpperCase()}_OWNER`] = byName(ownerUrl)
    env[`DATABASE_URL_${role.toUpperCase()}`] = byName(appUrl)
  }
  return { house, server, redis, env, byName }
}

test('migrations, services and commands work over TLS alone, and no session of theirs is in clear', async ({
  skip,
}) => {
  const { house, server, redis, env, byName } = await openServers()
  skip(redis === undefined, 'this Redis was built without TLS')
  const wrong = String(env['DATABASE_URL_LANCAMENTOS_OWNER']).replace(/\?.*/, '')
  const stranger = byName(wrong, `sslmode=verify-full&sslrootcert=${encodeURIComponent(house.otherCa)}`)
  expect(run('migrate', ['lancamentos'], { DATABASE_URL_LANCAMENTOS_OWNER: stranger })).toMatchObject({
    status: 1,
    text: expect.stringMatching(/^fluxo: [^\n]*signature[^\n]*\n$/),
  })
  const migrated = run('migrate', [], env)
  expect(migrated.status, migrated.text).toBe(0)

  const JWT_SECRET = randomBytes(32).toString('hex')
  const common = { ...env, JWT_SECRET }
  const urls: Partial<Record<Service, string>> = {}
  for (const name of SERVICE_NAMES) {
    const asked = SERVICES[name].asks?.map(({ service, url }) => [url, urls[service]]) ?? []
    const service = await startService(name, { ...common, ...SERVICES[name].env, ...Object.fromEntries(asked) })
    closers.push(() => service.end('SIGTERM'))
    urls[name] = service.url
  }
  const { lancamentos = '', consolidado = '', entregas = '' } = urls

  const scopes = ['lancamentos:escrever', 'consolidado:ler', 'entregas:escrever']
  const token = await signToken({ secret: JWT_SECRET, comercianteId: 'loja-1', scopes, expiresInSeconds: 600 })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const post = async (url: string, body: object) =>
    (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status
  for (let i = 0; i < 20; i += 1) {
    const body = { tipo: 'CREDITO', valor: '1.50', data: DAY, descricao: `Venda ${i}` }
    expect(await post(`${lancamentos}/lancamentos`, body)).toBe(201)
  }
  expect(await post(`${entregas}/orders`, { customer_name: 'Ana', address: 'Rua 1', valor: 80 })).toBe(201)
  const balance = async () => {
    const answer = await fetch(`${consolidado}/consolidado/${DAY}`, { headers })
    return `${answer.headers.get('fluxo-cache')} ${await answer.text()}`
  }
  // From the cache: Redis has it too.
  await waitFor(async () => /^hit .*"total_creditos":30\.00/.test(await balance()), { what: 'the balance, cached' })
  const ledger = createSql({ url: String(env['DATABASE_URL_LANCAMENTOS']), max: 1, name: 'e2e' })
  closers.push(() => closeSql(ledger))
  const money = async () =>
    (await ledger`select 1 from log_estado where (select sum(ultima) from posicao) = 21`).length === 1
  await waitFor(money, { timeoutMs: 30_000, what: 'the money of the delivered order' })

  const clear = createSql({ url: server.url(), max: 1, name: 'look' })
  closers.push(() => closeSql(clear))
  const sessions = await clear<{ usename: string; ssl: boolean; quantas: number }[]>`
    select usename, ssl, count(*)::int as quantas from pg_stat_activity join pg_stat_ssl using (pid)
    where usename <> 'postgres' group by 1, 2 order by 1`
  const underTls = new Set(SERVICE_NAMES.map((service) => `${service} true`))
  expect(new Set(sessions.map(({ usename, ssl }) => `${usename} ${ssl}`))).toEqual(underTls)

  const commandEnv = { ...common, FEED_URL: lancamentos }
  await waitFor(() => run('verify', [], commandEnv).status === 0, { timeoutMs: 60_000, what: 'exact books' })
  expect(run('verify', [], commandEnv).text).toContain('exact: no difference')
  expect(run('consolidado-rebuild', [], commandEnv).text).toContain('every day is as before')
  for (const who of SERVICE_NAMES) {
    expect(run('dlq', ['list', '--de', who], commandEnv)).toMatchObject({ status: 0, text: '0 dead letters\n' })
  }
})

test('a service whose database has another authority’s certificate refuses to start and says why, without its password', async () => {
  const { house, env, byName } = await openServers()
  const url = String(env['DATABASE_URL_LANCAMENTOS']).replace(/\?.*/, '')
  const stranger = byName(url, `sslmode=verify-full&sslrootcert=${encodeURIComponent(house.otherCa)}`)
  const given = { ...env, JWT_SECRET: 'x'.repeat(32), DATABASE_URL_LANCAMENTOS: stranger }
  const failed = await startService('lancamentos', given).catch((error: unknown) => String(error))
  expect(failed).toContain('PostgreSQL is not reached under TLS')
  expect(failed).not.toContain(new URL(url).password)
})
