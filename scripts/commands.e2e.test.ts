import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVerifier } from '@fluxo/shared/http/auth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from './data-folder.ts'
import { startMarkOf } from './local/own-process.ts'

const SECRET = 'a secret of at least thirty-two bytes'
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fluxo-commands-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const result = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], FLUXO_DATA: folder, ...env },
  })
  return { code: result.status, out: result.stdout, err: result.stderr }
}

describe('every command answers --help without installing anything', () => {
  const commands = [
    'start',
    'test',
    'token',
    'migrate',
    'bench',
    'test:chaos',
    'consolidado:rebuild',
    'verify',
    'dlq',
    'fuzz',
    'simulate',
    'openapi',
    'test:compose',
  ]
  test.each(commands)('%s', (command) => {
    const alone = join(folder, `alone-${command.replace(':', '-')}`)
    spawnSync('mkdir', ['-p', alone])
    for (const part of ['scripts', 'bench']) symlinkSync(join(root, part), join(alone, part))
    const result = spawnSync(
      process.execPath,
      ['--preserve-symlinks-main', join(alone, 'scripts', 'run.mjs'), command, '--help'],
      {
        encoding: 'utf8',
      },
    )
    expect(result).toMatchObject({ status: 0, stderr: '' })
    expect(result.stdout).toContain(`npm ${['start', 'test'].includes(command) ? '' : 'run '}${command}`)
  })

  test('an unknown command names the known ones', () => {
    expect(run('run.mjs', ['voar'])).toMatchObject({ code: 1, err: expect.stringContaining('start, test, bench') })
  })
})

describe('npm run token', () => {
  test('its token is accepted with the merchant and the scopes that were asked for', async () => {
    const args = ['--comerciante', 'loja-9', '--escopos', 'consolidado:ler', '--validade', '15m']
    const { code, out } = run('token.ts', args, { JWT_SECRET: SECRET })
    expect(code).toBe(0)
    const identity = await createVerifier({ secret: SECRET }).verify(out.trim())
    expect(identity).toMatchObject({ comercianteId: 'loja-9', scopes: new Set(['consolidado:ler']) })
    expect(identity.exp - Date.now() / 1_000).toBeGreaterThan(14 * 60)
    expect(identity.exp - Date.now() / 1_000).toBeLessThanOrEqual(15 * 60)
  })

  test('its token names the issuer and the audience that the services ask for', async () => {
    const names = { issuer: 'https://emissor.example', audience: 'https://fluxo.example/api' }
    const env = { JWT_SECRET: SECRET, JWT_ISSUER: names.issuer, JWT_AUDIENCE: names.audience }
    const { out } = run('token.ts', ['--comerciante', 'loja-9'], env)
    await expect(createVerifier({ secret: SECRET, ...names }).verify(out.trim())).resolves.toMatchObject({
      comercianteId: 'loja-9',
    })
  })

  test('it uses the secret of the data folder where none is given', async () => {
    const secrets = {
      jwtSecret: SECRET,
      redisPassword: 'a',
      lancamentosPassword: 'b',
      consolidadoPassword: 'c',
      entregasPassword: 'd',
    }
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(secrets))
    const { out } = run('token.ts', ['--comerciante', 'loja-1'])
    await expect(createVerifier({ secret: SECRET }).verify(out.trim())).resolves.toMatchObject({
      comercianteId: 'loja-1',
    })
    rmSync(join(folder, 'secrets.json'))
  })

  test.each([
    ['no merchant', [], 2, '--comerciante is needed'],
    ['a wrong merchant', ['--comerciante', 'a b'], 2, '--comerciante takes'],
    ['an unknown scope', ['--comerciante', 'a', '--escopos', 'tudo'], 2, 'unknown scope tudo'],
    ['an unknown option', ['--merchant', 'a'], 2, '--merchant'],
    ['a wrong duration', ['--comerciante', 'a', '--validade', 'sempre'], 2, 'is no duration'],
    ['no secret', ['--comerciante', 'a'], 1, 'there is no secret yet'],
  ])('%s is refused with a sentence', (name, args, code, sentence) => {
    const env: Readonly<Record<string, string>> = name === 'no secret' ? {} : { JWT_SECRET: SECRET }
    const result = run('token.ts', args, env)
    expect(result).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) })
    expect(result.err).not.toContain('    at ')
  })
})

test('migrate says what is missing where no server is known', () => {
  expect(run('migrate.ts', [])).toMatchObject({
    code: 1,
    err: expect.stringContaining('DATABASE_URL_LANCAMENTOS_OWNER'),
  })
  expect(run('migrate.ts', ['vendas'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('unknown database "vendas"'),
  })
})

test('servers of the environment and those of a running npm start are never mixed', async () => {
  const running = {
    pid: process.pid,
    mark: await startMarkOf(process.pid),
    databases: {
      consolidado: { app: 'postgres://a@127.0.0.1:1/consolidado', owner: 'postgres://o@127.0.0.1:1/consolidado' },
    },
    redisUrl: 'redis://127.0.0.1:1',
  }
  writeFileSync(join(folder, 'running.json'), JSON.stringify(running))
  const other = { DATABASE_URL_CONSOLIDADO: 'postgres://b@127.0.0.1:1/consolidado' }
  // What is listed is the environment's alone; to apply a letter needs a Redis, and the running one belongs to another system.
  expect(run('dlq.ts', ['list'], other)).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') })
  expect(run('dlq.ts', ['redrive'], other)).toMatchObject({
    code: 1,
    err: expect.stringContaining('DATABASE_URL_CONSOLIDADO names another server'),
  })
  const same = { DATABASE_URL_CONSOLIDADO: running.databases.consolidado.app }
  expect(run('dlq.ts', ['list'], same).err).not.toContain('another server')
  expect(run('migrate.ts', [], other).err).toContain('names another server')
  rmSync(join(folder, 'running.json'))
})

test('start names every wrong variable at once, and no value', () => {
  const result = run('start.ts', [], { PORT: 'oitenta', REDIS_URL: 'http://segredo' })
  expect(result.code).toBe(1)
  expect(result.err).toMatch(/PORT: .*[\s\S]*REDIS_URL: /)
  expect(result.err).not.toContain('segredo')
})
