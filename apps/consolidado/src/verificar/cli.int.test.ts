import { redisUrl } from '@fluxo/tests/stage/databases'
import { listen } from '@fluxo/tests/stage/listen'
import { SECRET } from '@fluxo/tests/stage/tokens'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, expect, test } from 'vitest'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'
import { type VerificarCliOptions, verificarCli } from './cli.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const serve = async (b: ProjectionStage): Promise<string> => {
  const { url, stop } = await listen(async (req, res) => {
    const answer = b.ledger.fetch(`http://razao${req.url}`)
    res.writeHead(answer.status).end(await answer.text())
  })
  closers.push(stop)
  return url
}

/** A projection at rest with 60 entries of 3 merchants on 5 days, and a way to verify it. */
const create = async () => {
  const b = await createProjectionStage()
  closers.push(b.close)
  const env = {
    DATABASE_URL_CONSOLIDADO: b.database.appUrl,
    FEED_URL: await serve(b),
    REDIS_URL: redisUrl(),
    JWT_SECRET: SECRET,
  }
  const instance = b.instance()
  await instance.start()
  b.ledger.registrar(facts(60))
  await b.ledger.publish()
  await b.waitApplied()
  await waitFor(async () => (await b.cache('loja-1', '2025-10-02')) !== null)
  await instance.drain()
  const verificar = async (options: Partial<VerificarCliOptions> = {}, otherEnv: Partial<typeof env> = {}) => {
    const lines: string[] = []
    const { cachePrefix, streamPrefix } = b
    const all = { filter: {}, amostra: 1_000, json: false, lagMs: 200, cachePrefix, streamPrefix, ...options }
    const outputs = { out: (line: string) => void lines.push(line), err: () => {} }
    const differences = await verificarCli({ ...env, ...otherEnv }, all, outputs)
    return { diferencas: differences, text: lines.join('\n') }
  }
  return { b, verificar }
}

test('books that are exact are told so, in words and as JSON', async () => {
  const { verificar } = await create()
  const { diferencas: differences, text } = await verificar()
  expect(text).toMatch(/^60 entries, 15 merchant days and 15 cached days in .*\nexact: no difference$/)
  expect(differences).toBe(0)
  const json = await verificar({ json: true })
  expect(JSON.parse(json.text)).toMatchObject({ exato: true, entradas: 60, dias: 15, diferencas: [] })
  const part = await verificar({ filter: { comercianteId: 'loja-1', de: '2025-10-02', ate: '2025-10-03' } })
  expect(part).toMatchObject({ diferencas: 0, text: expect.stringContaining('2 merchant days and 2 cached days') })
})

test('a difference planted in the balances is named by merchant and day, or by partition', async () => {
  const { b, verificar } = await create()
  const { owner } = b
  const plant = async (...lines: RegExp[]) => {
    const { diferencas: differences, text } = await verificar()
    for (const expectedLine of lines) expect(text).toMatch(expectedLine)
    return differences
  }
  await owner`create table antes as select * from saldo`
  await owner`create table inbox_antes as select * from inbox_particao`
  const undo = async () => {
    await owner`truncate saldo, inbox_particao`
    await owner`insert into saldo select * from antes`
    await owner`insert into inbox_particao select * from inbox_antes`
    expect((await verificar()).text).toContain('exact')
  }
  const where = owner`comerciante_id = 'loja-1' and data = '2025-10-02'`

  await owner`update saldo set creditos = creditos + 1 where ${where}`
  await plant(/^saldo {3}loja-1 2025-10-02: the ledger says \+\d+\.\d\d -\d+\.\d\d \(4\), the balance is \+/m)
  await undo()
  await owner`update saldo set quantidade = quantidade + 1 where ${where}`
  await plant(/^saldo {3}loja-1 2025-10-02: .*\(4\), the balance is .*\(5\)/m)
  await undo()
  await owner`update saldo set versao = versao + 100 where ${where}`
  await plant(/^versao {2}loja-1 2025-10-02: version/m)
  await undo()
  await owner`delete from saldo where ${where}`
  expect(await plant(/^saldo {3}loja-1 2025-10-02: .* the balance is absent/m)).toBe(2)
  await undo()
  await owner`insert into saldo select geracao, 'loja-x', data, 5, 0, 1, versao, atualizado_em from saldo limit 1`
  await plant(/^saldo {3}loja-x 2025-10-\d\d: the ledger says \+0\.00 -0\.00 \(0\), the balance is \+0\.05/m)
  await undo()
  // Position 60: the last of `facts`, of loja-2 on the 5th.
  await owner`update inbox_particao set aplicada_ate = aplicada_ate - 1`
  await plant(/^inbox {3}partition 0: .*59 by the watermark/m, /^saldo {3}loja-2 2025-10-05/m)
  await undo()
  await owner`update inbox_particao set aplicada_ate = aplicada_ate + 5`
  await plant(/^inbox {3}partition 0: .*65 by the watermark/m, /^epoca {3}partition 0: position 65 was applied/m)
  await undo()
  await owner`update inbox_particao set epoca = gen_random_uuid(), ultimo_id = gen_random_uuid()`
  await plant(
    /^epoca {3}partition 0: the balances follow the log/m,
    /^epoca {3}partition 0: position 60 was applied as/m,
  )
  await undo()
  await owner`insert into carta_morta values (0, 60, '{}', 'old reader', 1, now(), now(), null)`
  await plant(/^carta {3}partition 0: 1 entries wait/m, /^saldo {3}loja-2 2025-10-05/m)
})

test('a difference planted in the cache or the stream is named', async () => {
  const { b, verificar } = await create()
  const chave = `${b.cachePrefix}:{loja-1}:2025-10-02`
  const before = (await b.cache('loja-1', '2025-10-02')) ?? ''
  const [versao = '', run = '', body = ''] = before.split('|')
  const plant = async (valor: string, expectedLine: RegExp) => {
    await b.redis.commands.set(chave, valor)
    expect(await verificar()).toMatchObject({ diferencas: 1, text: expect.stringMatching(expectedLine) })
    await b.redis.commands.set(chave, before)
  }
  const other = body.replace(/"total_creditos":\d+/, '"total_creditos":987654')
  await plant(`${versao}|${run}|${other}`, /^cache {3}loja-1 2025-10-02: cached at version \d+ as .*987654/m)
  await plant(`${Number(versao) + 1}|${run}|${body}`, /^cache {3}loja-1 2025-10-02: cached as version/m)
  await plant(`${Number(versao) - 1}|${run}|${other}`, /^cache {3}loja-1 2025-10-02: cached at version/m)
  await plant('rubbish', /^cache {3}loja-1 2025-10-02: cached as something that is no entry/m)
  await b.ledger.publishText(70, '{}')
  expect((await verificar()).text).toMatch(/^relay {3}partition 0: the stream ends at 70, and the ledger at 60/m)
  const cursors = async () => [{ particao: 0, cursor: 61, ultima: 60 }]
  expect((await verificar({ cursors })).text).toMatch(/^relay {3}partition 0: the relay's cursor is at 61/m)
})

test('a ledger with a gap, or whose counter was moved, is named with the days that it changes', async () => {
  const { b, verificar } = await create()
  b.ledger.skipPosicao()
  b.ledger.registrar(facts(1))
  const { text } = await verificar()
  expect(text).toMatch(/^razao {3}partition 0: the ledger lacks position 61$/m)
  b.ledger.skipPosicao()
  expect((await verificar()).text).toMatch(/^razao {3}partition 0: the counter stands at 63, and the last entry is 62/m)
  b.ledger.restore(50, { newEpoca: false })
  expect((await verificar()).text).toMatch(/^epoca {3}partition 0: position 60 was applied, and the ledger ends at 50/m)
})

test('what is applied meanwhile is no difference', async () => {
  const { b, verificar } = await create()
  await b.instance().start()
  const end = performance.now() + 1_500
  const write = async () => {
    for (let sal = 0; performance.now() < end; sal += 1) {
      const de = b.ledger.registrar(facts(20, sal))
      await b.ledger.publish(de - 20)
    }
  }
  const verifyAgain = async () => {
    let times = 0
    for (; performance.now() < end; times += 1) {
      expect((await verificar({ lagMs: 5_000 })).text).toContain('exact')
    }
    return times
  }
  const [, times] = await Promise.all([write(), verifyAgain()])
  expect(times).toBeGreaterThan(0)
})

test('without Redis it says what is not looked at; without a ledger it fails with a sentence', async () => {
  const { b, verificar } = await create()
  const withoutRedis = await verificar({}, { REDIS_URL: 'redis://127.0.0.1:1' })
  expect(withoutRedis).toMatchObject({ diferencas: 0, text: expect.stringContaining('0 cached days') })
  b.ledger.setAway(true)
  await expect(verificar()).rejects.toThrow('the feed answered 503')
})
