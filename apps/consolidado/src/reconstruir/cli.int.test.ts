import { redisUrl } from '@fluxo/tests/stage/databases'
import { listen } from '@fluxo/tests/stage/listen'
import { afterEach, expect, test } from 'vitest'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'
import { reconstruirCli } from './cli.ts'

const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const create = async () => {
  const b: ProjectionStage = await createProjectionStage()
  const { url, stop } = await listen(async (req, res) => {
    const answer = b.ledger.fetch(`http://razao${req.url}`)
    res.writeHead(answer.status).end(await answer.text())
  })
  closers.push(stop, b.close)
  const env = {
    DATABASE_URL_CONSOLIDADO: b.database.appUrl,
    FEED_URL: url,
    EVENTOS_TOKEN: 'token',
  }
  return { b, env }
}

test('the command tells what it read, how long the projection stood still, and every day that changed', async () => {
  const { b, env } = await create()
  await b.instance().start()
  b.ledger.registrar(facts(10))
  b.ledger.registrar([{ comercianteId: 'loja-7', data: '2025-01-02', valor: 5n }])
  await b.waitApplied()
  await b.owner`update saldo set debitos = 7 where comerciante_id = 'loja-7'`
  const lines: string[] = []
  await reconstruirCli({ ...env, REDIS_URL: redisUrl() }, [], (line) => lines.push(line))
  expect(lines.join('\n')).toMatch(/11 entries in .* entries\/s/)
  expect(lines).toContain('1 days changed:')
  expect(lines).toContain('  loja-7 2025-01-02: +0.05 -0.07 (1) → +0.05 -0.00 (1)')
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('without Redis it still rebuilds, and says what that means', async () => {
  const { b, env } = await create()
  const lines: string[] = []
  b.ledger.registrar(facts(10))
  await reconstruirCli(env, [], (line) => lines.push(line))
  expect(lines[0]).toContain('Redis is away')
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a wrong call names what is wrong', async () => {
  await expect(reconstruirCli({}, ['--what'])).rejects.toThrow('--what')
  await expect(reconstruirCli({}, [])).rejects.toThrow(/DATABASE_URL_CONSOLIDADO[\s\S]*FEED_URL/)
})
