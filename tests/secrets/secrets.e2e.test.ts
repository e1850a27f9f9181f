import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { signToken } from '@fluxo/shared/http/tokens'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../scripts/data-folder.ts'
import { waitFor } from '../stage/wait-for.ts'
import { found, plantCanaries } from './canaries.ts'
import { startTalkative, type Talkative } from './system.ts'

const SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler']
const canaries = plantCanaries()
let system: Talkative
/** Every secret, with the tokens that were sent. */
const secrets: Record<string, string> = { ...canaries }
/** Bodies and headers of every refusal, with what was asked. */
const refusals: string[] = []

const sign = (scopes: readonly string[], expiresInSeconds = 600) =>
  signToken({ secret: canaries.jwtSecret, comercianteId: 'loja-canario', scopes, expiresInSeconds })

beforeAll(async () => {
  const { jwtSecret, redisPassword, ledgerPassword, balancesPassword } = canaries
  const databases = { lancamentos: ledgerPassword, consolidado: balancesPassword }
  const given = { jwt: jwtSecret, redis: redisPassword, databases }
  system = await startTalkative({ lancamentos: 1, consolidado: 1, secrets: given })
  for (const [name, signing] of Object.entries({
    token: sign(SCOPES),
    tokenExpirado: sign(SCOPES, -3_600),
    tokenSemEscopo: sign(['nada']),
  })) {
    secrets[name] = await signing
    // What makes it a token is its signature.
    secrets[`${name} assinatura`] = (await signing).split('.')[2] ?? ''
  }
})
afterAll(() => system?.stop())

const ask = async (url: string, init: RequestInit = {}, token = 'token'): Promise<Response> => {
  const { header, cookie } = canaries
  const answer = await fetch(url, {
    ...init,
    headers: {
      authorization: `Bearer ${secrets[token] ?? token}`,
      cookie: `sessao=${cookie}`,
      'x-qualquer': header,
      ...Object.fromEntries(new Headers(init.headers)),
    },
  })
  const text = await answer.clone().text()
  if (answer.status >= 400) refusals.push(`${url} ${answer.status} ${JSON.stringify([...answer.headers])} ${text}`)
  return answer
}
const JSON_TYPE = { 'content-type': 'application/json' }
const entry = (change: Record<string, unknown> = {}): string => {
  const { descricao, referencia } = canaries
  return JSON.stringify({ valor: '1.00', tipo: 'CREDITO', descricao, referencia, data: '2025-10-15', ...change })
}
const post = (path: string, body: string, headers: Record<string, string> = {}, token?: string) =>
  ask(system.url('lancamentos') + path, { method: 'POST', headers: { ...JSON_TYPE, ...headers }, body }, token)
const read = (path: string, headers: Record<string, string> = {}, token?: string) =>
  Promise.all((['lancamentos', 'consolidado'] as const).map((one) => ask(system.url(one) + path, { headers }, token)))

/** One request of each kind that can go well or be refused. */
const requests = async (): Promise<void> => {
  const { chave, query, body, descricao, referencia } = canaries
  const key = { 'idempotency-key': chave }
  await post('/lancamentos', entry(), key)
  await post('/lancamentos', entry({ valor: '2.00' }), key)
  await post('/lancamentos', entry())
  await post('/lancamentos/lote', `[${entry()},${entry({ referencia: `${referencia}-2` })},{"valor":"${body}"}]`, key)
  const csv = `data,tipo,valor,descricao\n2025-10-15,CREDITO,1.00,${descricao}\n2025-10-15,${body},x,${body}\n`
  await post('/lancamentos/importacoes', csv, { 'content-type': 'text/csv' })
  for (const wrong of [`{"valor":"${body}`, body, `"${body}"`, entry({ valor: body }), entry({ data: body })]) {
    await post('/lancamentos', wrong)
    await post('/lancamentos/lote', wrong)
  }
  await post('/lancamentos', entry(), { 'content-type': `text/${body}` })
  await post('/lancamentos', entry(), { 'idempotency-key': `${chave}${'x'.repeat(300)}` })
  await post('/lancamentos/01a00000-0000-7000-8000-000000000000/estorno', `{"descricao":"${descricao}"}`, key)
  for (const token of ['tokenExpirado', 'tokenSemEscopo', `${secrets['token']}x`, `x.${secrets['token']}`]) {
    await post('/lancamentos', entry(), {}, token)
    await read('/consolidado/2025-10-15', {}, token)
  }
  for (const path of ['/lancamentos', '/consolidado/2025-10-15', '/consolidado', '/eventos', '/nada', '/metrics']) {
    await read(`${path}?referencia=${query}&cursor=${query}&access_token=${query}`)
    await read(path, { prefer: `wait=${canaries.header}`, 'fluxo-posicao': canaries.header })
  }
}

/** An event that cannot be read, and a row that the database refuses with all its values in the detail of the error. */
const poison = async (): Promise<void> => {
  const log = createLogger({ service: 'teste', level: 'silent' })
  const redis = createRedisConnections({ url: system.redis.url, name: 'teste', log })
  await redis.ready(10_000)
  for (const event of [canaries.event, `{"type":7,"data":"${canaries.event}"}`]) {
    await redis.commands.xadd('fluxo:lancamentos:{0}', `${900_000 + event.length}-0`, 'e', event)
  }
  await redis.close()
  const letters = async () => (await system.sql.consolidado`select from carta_morta`).length === 2
  await waitFor(letters, { what: 'two dead letters', timeoutMs: 30_000 })
  await system.sql.lancamentos`alter table lancamentos add constraint recusa check (valor <> 4242) not valid`
  expect((await post('/lancamentos', entry({ valor: '42.42', referencia: undefined }))).status).toBe(500)
}

test('no secret, and nothing that a merchant wrote, gets into a log, an error, a metric, a trace or a list of processes', async () => {
  await requests()
  await poison()
  const described = await Promise.all(
    ['/metrics', '/openapi.json', '/docs', '/health/ready', '/health/live'].flatMap((path) => read(path)),
  )
  const told = (await Promise.all(described.flat().map((answer) => answer.text()))).join('\n')
  const pids = Object.values(system.instances).flatMap((all) => all.map(({ pid }) => pid))
  const { stdout: processes } = await promisify(execFile)('ps', ['-o', 'command=', '-p', pids.join()])

  await system.redis.stop()
  await requests()
  await system.postgres.stop()
  await requests()
  await waitFor(() => refusals.some((text) => text.includes(' 503 ')), { what: 'an outage that was noticed' })
  await system.endAll()

  // The search finds what is there: otherwise all that follows would prove nothing.
  expect(found(`x ${canaries.jwtSecret} ${btoa(`ab${canaries.chave}c`)}`, secrets)).toEqual(['jwtSecret', 'chave'])
  expect(system.output()).toContain('"level":"error"')
  expect(system.output()).toContain('ECONNREFUSED')
  expect(system.receiver.spans.length).toBeGreaterThan(0)
  expect(processes).toContain('main.ts')

  expect(found(system.output(), secrets), 'in the logs').toEqual([])
  expect(found(told, secrets), 'in what the services say of themselves').toEqual([])
  expect(told).not.toContain('loja-canario')
  expect(found(JSON.stringify(system.receiver.spans), secrets), 'in the traces').toEqual([])
  expect(found(processes, secrets), 'in the list of processes').toEqual([])
  // The address that was asked is shown to who asked, without its query.
  expect(refusals.filter((text) => found(text.slice(text.indexOf(' ')), secrets).length > 0)).toEqual([])
})

test('a process that does not start says which setting is wrong, and none of their values', () => {
  const { jwtSecret, wrongPassword } = canaries
  const good = {
    JWT_SECRET: jwtSecret,
    REDIS_URL: `redis://:${wrongPassword}@127.0.0.1:1`,
    FEED_URL: 'http://127.0.0.1:1',
  }
  const url = `postgres://lancamentos:${wrongPassword}@127.0.0.1:1/lancamentos`
  const wrong: Record<string, string>[] = [
    { ...good, DATABASE_URL_LANCAMENTOS: url },
    { ...good, DATABASE_URL_LANCAMENTOS: `postgres//x:${wrongPassword}@y` },
    { ...good, DATABASE_URL_LANCAMENTOS: url, REDIS_URL: `http://:${wrongPassword}@x` },
    { ...good, DATABASE_URL_LANCAMENTOS: url, JWT_SECRET: wrongPassword.slice(-20) },
    { ...good, DATABASE_URL_LANCAMENTOS: url, PARTICOES: wrongPassword, PORT: wrongPassword, LOG_LEVEL: wrongPassword },
    { ...good, DATABASE_URL_LANCAMENTOS: url, JWT_JWKS_URL: `ftp://x:${wrongPassword}@y` },
  ]
  for (const env of wrong) {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['apps/lancamentos/src/main.ts'], {
      cwd: root,
      env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'trace', ...env },
      encoding: 'utf8',
      // The first waits for its database until it is ended.
      timeout: 15_000,
    })
    expect(status, stderr).not.toBe(0)
    expect(stdout + stderr).not.toBe('')
    expect(found(stdout + stderr, secrets)).toEqual([])
  }
})
