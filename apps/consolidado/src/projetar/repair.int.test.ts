import { startOwnPostgres, startOwnRedis } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../../../../scripts/local/free-port.ts'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'

let stage: ProjectionStage | undefined
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await stage?.close()
  stage = undefined
  for (const close of closers.splice(0)) await close()
})
const create = async (options = {}) => {
  stage = await createProjectionStage(options)
  return stage
}

test('entries that the stream lost are pulled, in the middle of those that it brings', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(300))
  await b.ledger.publish()
  await b.waitApplied()
  b.ledger.registrar(facts(200, 1))
  await b.ledger.loseStream()
  b.ledger.registrar(facts(100, 2))
  await b.ledger.publish(500)
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
  // A moment without the group may pull what the stream would still have brought; the inbox does not mind.
  await waitFor(async () => (await b.metric('fluxo_repair_pulled_total')) >= 200)
})

test('a lost tail is found without anything arriving after it', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(20))
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('without Redis from the start the projection advances by pulling, page after page', async () => {
  const b = await create({ redis: `redis://127.0.0.1:${await freePort()}` })
  b.ledger.registrar(facts(2_500))
  await b.instance().start()
  await b.waitApplied()
  b.ledger.registrar(facts(10))
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a Redis that dies and returns empty costs nothing', async () => {
  const redis = await startOwnRedis()
  closers.push(redis.remove)
  const b = await create({ redis: redis.url })
  await b.instance().start()
  b.ledger.registrar(facts(50))
  await b.ledger.publish()
  await b.waitApplied()
  await redis.stop()
  b.ledger.registrar(facts(50, 1))
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a ledger that is away is waited for, with one line of log, and then asked on', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(5))
  await b.waitApplied()
  b.ledger.setAway(true)
  b.ledger.registrar(facts(5, 1))
  await waitFor(() => b.logLines.some(({ msg }) => msg === 'repair cannot go on for now'))
  const requests = b.ledger.requests
  await waitFor(() => b.ledger.requests > requests + 2)
  b.ledger.setAway(false)
  await b.waitApplied()
  expect(b.logLines.filter(({ msg }) => msg === 'repair cannot go on for now')).toHaveLength(1)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('one of two instances repairs, and the other takes over when it leaves', async () => {
  const b = await create()
  const [first, second] = [b.instance(), b.instance()]
  await first.start()
  b.ledger.registrar(facts(5))
  await b.waitApplied()
  await second.start()
  await first.drain()
  b.ledger.registrar(facts(5, 1))
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a log with another epoch stops the projection and is never deduped', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(30))
  await b.ledger.publish()
  await b.waitApplied()
  const before = await b.sums()
  b.ledger.restore(20)
  b.ledger.registrar(facts(20, 2))
  await b.ledger.loseStream()
  await b.ledger.publish()
  await waitFor(async () => (await b.metric('fluxo_inbox_epoca_divergente')) === 1)
  await waitFor(() => b.logLines.some(({ estado: state }) => state === 'pausado'))
  expect(b.logLines.some(({ msg }) => String(msg).includes('npm run consolidado:rebuild'))).toBe(true)
  expect(await b.sums()).toEqual(before)
  expect(await b.cartas()).toHaveLength(0)
  const [pending] = await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado')
  expect(pending).toBeGreaterThan(0)
})

test.each([
  ['ends before what was applied', 10, 0, 'cabeca-regrediu'],
  ['tells another event at a known position', 10, 40, 'id-divergente'],
])('a log restored behind our back that %s stops the partition everywhere', async (_, ate, added, motivo) => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(30))
  await b.ledger.publish()
  await b.waitApplied()
  b.ledger.restore(ate, { newEpoca: false })
  b.ledger.registrar(facts(added, 3))
  await waitFor(async () => (await b.watermark())?.divergente === motivo)
  expect(await b.metric('fluxo_inbox_epoca_divergente')).toBe(1)
})

test('without Redis, a log restored behind our back is noticed even if it has grown past what was applied', async () => {
  const b = await create({ redis: `redis://127.0.0.1:${await freePort()}` })
  await b.instance().start()
  b.ledger.registrar(facts(30))
  await b.waitApplied()
  const before = await b.sums()
  b.ledger.setAway(true)
  b.ledger.restore(10, { newEpoca: false })
  b.ledger.registrar(facts(40, 3))
  b.ledger.setAway(false)
  await waitFor(async () => (await b.watermark())?.divergente === 'id-divergente')
  expect(await b.sums()).toEqual(before)
})

test('a database that is away pauses the projection and buries nothing', async () => {
  const postgres = await startOwnPostgres({ durable: true })
  closers.push(postgres.remove)
  const b = await create({ postgres: postgres.url() })
  await b.instance().start()
  b.ledger.registrar(facts(30))
  await b.ledger.publish()
  await b.waitApplied()
  await postgres.stop()
  b.ledger.registrar(facts(30, 1))
  await b.ledger.publish(30)
  await waitFor(() => b.logLines.some(({ estado: state }) => state === 'pausado'))
  const again = await startOwnPostgres({ durable: true, dataDir: `${postgres.dir}/postgres`, port: postgres.port })
  closers.push(again.stop)
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
  expect(await b.cartas()).toHaveLength(0)
})

test('a start without the database serves, and projects once it is there', async () => {
  const postgres = await startOwnPostgres({ durable: true })
  closers.push(postgres.remove)
  const b = await create({ postgres: postgres.url() })
  await postgres.stop()
  const instance = b.instance()
  await instance.start()
  const reading = instance.checks.find(({ name }) => name === 'leitura')
  await b.redis.ready(5_000)
  await expect(reading?.check(AbortSignal.timeout(1_000))).resolves.toBeUndefined()
  b.ledger.registrar(facts(10))
  const again = await startOwnPostgres({ durable: true, dataDir: `${postgres.dir}/postgres`, port: postgres.port })
  closers.push(again.stop)
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a position that the ledger does not have is passed where its letter is kept, and reported where nothing is known', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(3))
  b.ledger.skipPosicao()
  await b.ledger.publishText(4, '{"type":"never in the ledger"}')
  b.ledger.registrar(facts(3, 1))
  await b.waitApplied(7)
  expect(await b.cartas()).toMatchObject([{ posicao: 4, pulada: true }])
  expect(await b.sums()).toEqual(b.ledger.sums())

  b.ledger.skipPosicao()
  b.ledger.registrar(facts(3, 2))
  await waitFor(async () => (await b.metric('fluxo_repair_absent_total')) === 1)
  await waitFor(async () => (await b.watermark())?.ultimaPosicao === 11)
  expect(await b.watermark()).toMatchObject({ aplicadaAte: 7, holes: [{ from: 8, to: 8 }] })
  expect(await b.sums()).toEqual(b.ledger.sums())
})
