import { redriveLetters } from '@fluxo/shared/follow/redrive'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'
import { createProjection } from '../projetar/projection.ts'
import { reconstruir } from '../reconstruir/rebuild.ts'
import { createRound } from './round.ts'
import { createVerificarStore } from './store.ts'

/** Rounds one after another: a test waits for what the next one finds. */
const ALWAYS = { verificarMs: 100 }

let stage: ProjectionStage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

/** A projection that verifies itself, with what was registered in it and compared at least once. */
const create = async (entryCount = 60) => {
  const b = await createProjectionStage()
  stage = b
  await b.instance(ALWAYS).start()
  b.ledger.registrar(facts(entryCount))
  await b.ledger.publish()
  await b.waitApplied()
  const isSummed = async () => {
    const [state] = await b.sql<{ posicao: number }[]>`select posicao::int as posicao from conferencia_particao`
    return state?.posicao === b.ledger.ultima
  }
  /** Two more rounds that compared: the first may have begun before. */
  const rounds = async (times = 2) => {
    for (let turn = 0; turn < times; turn += 1) {
      const before = await b.metric('fluxo_verificacao_dias_total')
      await waitFor(async () => (await b.metric('fluxo_verificacao_dias_total')) > before, { timeoutMs: 20_000 })
    }
  }
  const differences = async (tipo: string) => {
    const metric = await b.registry.getSingleMetric('fluxo_verificacao_diferencas')?.get()
    return metric?.values.find(({ labels }) => labels['tipo'] === tipo)?.value
  }
  const findsDifferences = (tipo: string, count = 1) =>
    waitFor(async () => (await differences(tipo)) === count, { timeoutMs: 20_000, what: `${count} of ${tipo}` })
  const hasLogged = (text: RegExp) => b.logLines.some(({ difference }) => text.test(String(difference)))
  await waitFor(isSummed, { timeoutMs: 20_000, what: 'all is added up' })
  return { b, rounds, differences, waitForDifferences: findsDifferences, hasLogged, isSummed }
}

const exact = { saldo: 0, versao: 0, cache: 0, razao: 0, inbox: 0, epoca: 0 }

test('books that are written all the time are exact in every round, and the ledger is read once', async () => {
  const { b, rounds, differences, isSummed } = await create()
  for (let sal = 0; sal < 40; sal += 1) {
    const ate = b.ledger.registrar(facts(25, sal))
    await b.ledger.publish(ate - 25)
    if (sal % 10 === 0) await rounds(1)
    for (const tipo of Object.keys(exact)) expect(await differences(tipo)).toBe(0)
  }
  await b.waitApplied()
  await waitFor(isSummed)
  await rounds()
  for (const tipo of Object.keys(exact)) expect(await differences(tipo)).toBe(0)
  expect(b.logLines.filter(({ level }) => level === 'error')).toEqual([])
  const [sum] = await b.sql<{ n: number }[]>`select sum(quantidade)::int as n from conferencia`
  expect(sum?.n).toBe(60 + 40 * 25)
  expect(await b.metric('fluxo_verificacao_lease')).toBe(1)
  const now = Date.now() / 1_000
  expect(await b.metric('fluxo_verificacao_ultima_timestamp_seconds')).toBeGreaterThan(now - 60)
})

test('a difference planted in a day that nobody touches is found, named once, and gone when it is mended', async () => {
  const { b, waitForDifferences: findsDifferences, hasLogged, rounds } = await create()
  const where = b.owner`comerciante_id = 'loja-1' and data = '2025-10-02'`
  await b.owner`update saldo set debitos = debitos + 1 where ${where}`
  await findsDifferences('saldo')
  await rounds()
  expect(hasLogged(/^saldo {3}loja-1 2025-10-02: the ledger says/)).toBe(true)
  expect(b.logLines.filter(({ difference }) => String(difference).startsWith('saldo'))).toHaveLength(1)
  await b.owner`update saldo set debitos = debitos - 1, versao = versao + 1000 where ${where}`
  await findsDifferences('saldo', 0)
  await findsDifferences('versao')
  await b.owner`update saldo set versao = versao - 1000 where ${where}`
  await findsDifferences('versao', 0)
  await b.owner`create table guardado as select * from saldo where ${where}`
  await b.owner`delete from saldo where ${where}`
  await findsDifferences('saldo')
  await b.owner`insert into saldo select * from guardado`
  await b.owner`insert into saldo select 1, 'zz', '2025-10-02', 1, 0, 1, versao, now() from guardado`
  await waitFor(() => hasLogged(/^saldo {3}zz 2025-10-02: the ledger says \+0\.00 -0\.00 \(0\)/), { timeoutMs: 20_000 })
  await b.owner`delete from saldo where comerciante_id = 'zz'`
  await findsDifferences('saldo', 0)
  await waitFor(() => b.logLines.some(({ msg }) => msg === 'the books agree with the ledger again'))
})

test('days are compared in stretches that fit together, also where a whole stretch of rows is gone', async () => {
  const { b, waitForDifferences: findsDifferences, differences, rounds } = await create(1)
  const many = Array.from({ length: 12_000 }, (_, i) => ({
    comercianteId: `m-${i}`,
    data: '2025-10-15',
    valor: 100n,
  }))
  b.ledger.registrar(many)
  await b.waitApplied()
  await waitFor(async () => (await differences('saldo')) === 0, { timeoutMs: 30_000 })
  await rounds()
  expect(await differences('saldo')).toBe(0)
  await b.owner`delete from saldo where comerciante_id like 'm-1%'`
  const [missing] = await b.sql<{ n: number }[]>`select 12001 - count(*)::int as n from saldo`
  await findsDifferences('saldo', missing?.n)
})

test('of differences in every day all are counted, and no more kept than a round may hold', async () => {
  const { b } = await create()
  const transactions = createTransactions({ url: b.database.appUrl, max: 1, name: 'teste' })
  const store = createVerificarStore(transactions)
  const round = createRound({ store, feed: b.feed, particoes: 1, verificarCache: async () => [] })
  await b.owner`insert into saldo select 1, 'zz', date '2025-01-01' + n, 1, 0, 1, ${2 ** 40 + 1}, now() from generate_series(1, 7000) n`
  const { counts, differences } = await round(AbortSignal.timeout(60_000)).finally(() => transactions.close())
  expect([counts.get('saldo'), differences.length]).toEqual([7_000, 1_000])
})

test('a cached day that is not its row is found where the day was touched', async () => {
  const { b, waitForDifferences: findsDifferences, hasLogged } = await create()
  const chave = `${b.cachePrefix}:{loja-9}:2025-10-02`
  b.ledger.registrar([{ comercianteId: 'loja-9', data: '2025-10-02', valor: 5n }])
  await b.waitApplied()
  const cached = await waitForText(() => b.cache('loja-9', '2025-10-02'))
  const touch = async () => {
    const ate = b.ledger.registrar([{ comercianteId: 'loja-9', data: '2025-10-02', valor: 5n }])
    await b.redis.commands.set(chave, cached.replace(/^\d+/, '9007199254740991'))
    await b.ledger.publish(ate - 1)
  }
  await touch()
  await findsDifferences('cache')
  expect(hasLogged(/^cache {3}loja-9 2025-10-02: cached as version 9007199254740991/)).toBe(true)
  await b.redis.commands.unlink(chave)
  await findsDifferences('cache', 0)
})

const waitForText = async (read: () => Promise<string | null>): Promise<string> => {
  let text: string | null = null
  await waitFor(async () => {
    text = await read()
    return text !== null
  })
  return text ?? ''
}

test('a rebuild and a restored log begin the sums anew; the epoch is told while the projection stands still', async () => {
  const { b, waitForDifferences: findsDifferences, rounds, differences, isSummed } = await create()
  await reconstruir({ databaseUrl: b.database.appUrl, feed: b.feed, particoes: 1 })
  await waitFor(async () => (await b.sql`select 1 from conferencia_particao where geracao = 2`).length === 1, {
    timeoutMs: 20_000,
  })
  await rounds()
  expect(await differences('saldo')).toBe(0)
  b.ledger.restore(40)
  b.ledger.registrar(facts(30, 7))
  await waitFor(async () => ((await differences('epoca')) ?? 0) > 0, { timeoutMs: 20_000, what: 'another epoch' })
  await reconstruir({ databaseUrl: b.database.appUrl, feed: b.feed, particoes: 1 })
  // This rebuild was given no cache to put right, and the rounds would rightly complain.
  await b.redis.commands.unlink(await b.redis.commands.keys(`${b.cachePrefix}:*`))
  await findsDifferences('epoca', 0)
  await waitFor(isSummed, { timeoutMs: 20_000 })
  await rounds()
  expect(await differences('saldo')).toBe(0)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('what the ledger lacks stays counted, and what cannot be read is no difference', async () => {
  const { b, waitForDifferences: findsDifferences, rounds, differences } = await create()
  b.ledger.skipPosicao()
  b.ledger.registrar(facts(2), (body) => ({ ...body, type: 'lancamento.registrado.v2' }))
  await b.owner`update inbox_particao set aplicada_ate = 61, ultima_posicao = 61`
  await b.waitApplied()
  await findsDifferences('razao')
  await rounds()
  expect(await differences('razao')).toBe(1)
  expect(await differences('saldo')).toBe(0)
})

test('an entry that waits as a dead letter is no difference, before and after it is redriven', async () => {
  const { b, rounds, differences, isSummed } = await create()
  // An overflow: an event that can be read and not be applied.
  await b.sql`insert into saldo select 1, 'loja-7', '2025-10-15', ${'9'.repeat(24)}::text::numeric, 0, 1, ${2 ** 40 + 1}, now()`
  b.ledger.registrar([{ comercianteId: 'loja-7', data: '2025-10-15', valor: 100n }])
  await b.waitApplied()
  await b.sql`delete from saldo where comerciante_id = 'loja-7'`
  expect(await b.cartas()).toMatchObject([{ posicao: 61, pulada: true }])
  await waitFor(isSummed, { timeoutMs: 20_000 })
  await rounds()
  expect(await differences('saldo')).toBe(0)
  const cache = { setIfNewer: async () => true }
  const projection = createProjection({ sql: b.sql, cache, registry: new Registry() })
  expect(await redriveLetters(projection, b.sql, 10)).toMatchObject({ applied: 1 })
  const restarted = async () => (await b.sql`select 1 from conferencia_particao where redirigidas = 1`).length === 1
  await waitFor(restarted, { timeoutMs: 20_000, what: 'the sums to begin anew' })
  await waitFor(isSummed, { timeoutMs: 20_000 })
  await rounds()
  expect(await differences('saldo')).toBe(0)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a ledger that is away costs one line of log, and the rounds go on when it is back', async () => {
  const { b, rounds } = await create()
  b.ledger.setAway(true)
  await waitFor(() => b.logLines.some(({ msg }) => msg === 'verification cannot go on for now'), { timeoutMs: 20_000 })
  b.ledger.setAway(false)
  await rounds()
  expect(b.logLines.filter(({ msg }) => msg === 'verification cannot go on for now')).toHaveLength(1)
})
