import { redriveLetters } from '@fluxo/shared/follow/redrive'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { facts } from '../../test/ledger.ts'
import { createProjectionStage, type ProjectionStage } from '../../test/projection-stage.ts'
import { createProjection } from './projection.ts'

let stage: ProjectionStage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})
const create = async () => {
  stage = await createProjectionStage()
  return stage
}

const ONE_ENTRY = { comercianteId: 'loja-1', data: '2025-10-15', valor: 15050n }

/** The dead letters as the command line redrives them. */
const redirigir = (b: ProjectionStage) => {
  const cache = { setIfNewer: async () => true }
  return redriveLetters(createProjection({ sql: b.sql, cache, registry: new Registry() }), b.sql, 10)
}
const NADA = { applied: 0, failed: [] }

/** A version of the fact that this reader does not know. */
const v2 = (body: Record<string, unknown>) => ({ ...body, type: 'lancamento.registrado.v2' })
/** What a deploy that understands the letters would do: here the letters become readable instead. */
const makeReadable = (b: ProjectionStage) =>
  b.owner`update carta_morta set evento = replace(evento, 'registrado.v2', 'registrado.v1')`

test('entries of the stream become balances, and the answer is in the cache before the ack', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar([...facts(700), ONE_ENTRY])
  await b.ledger.publish()
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
  await waitFor(async () => (await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado'))[0] === 0)
  expect(await b.cache('loja-1', '2025-10-15')).toMatch(
    /\|\{"data":"2025-10-15","total_creditos":150\.50,"total_debitos":0\.00,"saldo_final":150\.50,"quantidade":1,"atualizado_em":"[^"]+Z"\}$/,
  )
  expect(await b.metric('fluxo_inbox_aplicada_ate')).toBe(701)
})

test('a redelivery changes no balance and writes again the day that the first attempt did not cache', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar([ONE_ENTRY])
  await b.ledger.publish()
  await b.waitApplied()
  const key = `${b.cachePrefix}:{loja-1}:2025-10-15`
  await waitFor(async () => (await b.redis.commands.exists(key)) === 1)
  // The stream and the group are lost: the whole log is delivered again, to a cache that knows nothing.
  await b.redis.commands.unlink(key)
  await b.ledger.loseStream()
  await b.ledger.publish()
  await waitFor(async () => (await b.redis.commands.exists(key)) === 1)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a delivery whose day could not be cached is not acknowledged but given again; what was pulled goes on', async () => {
  const b = await create()
  let writesCache = false
  const { committed } = createProjection({
    sql: b.sql,
    cache: { setIfNewer: async () => writesCache },
    registry: new Registry(),
  })
  const saldo = {
    ...ONE_ENTRY,
    creditos: 1n,
    debitos: 0n,
    quantidade: 1,
    versao: 1,
    atualizadoEm: '2025-10-15T12:00:00Z',
  }
  const commit = { particao: 0, rows: [], applied: 0, repeated: 0, touched: [[saldo]] }
  await expect(committed?.({ ...commit, origin: 'stream' })).rejects.toThrow('the cache could not be written')
  await committed?.({ ...commit, origin: 'feed' })
  writesCache = true
  await committed?.({ ...commit, origin: 'stream' })
})

test('two instances share the stream and every entry counts once', async () => {
  const b = await create()
  await Promise.all([b.instance().start(), b.instance().start()])
  b.ledger.registrar(facts(3_000))
  await b.ledger.publish()
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a poison event is kept with its reason, its neighbours count, and the watermark passes it on the word of the ledger', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(5))
  b.ledger.registrar([ONE_ENTRY], v2)
  b.ledger.registrar(facts(5, 1))
  await b.ledger.publish()
  await b.waitApplied(11)
  expect(await b.sums()).toEqual(b.ledger.sums())
  expect(await b.cartas()).toEqual([
    {
      particao: 0,
      posicao: 6,
      motivo: 'unknown type: lancamento.registrado.v2',
      tentativas: 1,
      pulada: true,
      redirigida: false,
    },
  ])
  expect(await b.redis.commands.xlen(`${b.streamPrefix}:dlq:{0}`)).toBeGreaterThan(0)
})

test('a redrive applies a passed letter once, however often it is asked for', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar([ONE_ENTRY], v2)
  await b.ledger.publish()
  await b.waitApplied()
  expect(await redirigir(b)).toMatchObject({ applied: 0, failed: [{ posicao: 1 }] })
  expect(await b.cartas()).toMatchObject([{ tentativas: 2, redirigida: false }])

  await makeReadable(b)
  const times = await Promise.all([redirigir(b), redirigir(b)])
  expect(times.every(({ failed }) => failed.length === 0)).toBe(true)
  expect(await redirigir(b)).toEqual(NADA)
  expect(await b.sums()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
})

test('a letter whose position is still a hole is applied under that position, and the ledger does not bring it twice', async () => {
  const b = await create()
  b.ledger.setAway(true)
  await b.instance().start()
  b.ledger.registrar([ONE_ENTRY], v2)
  await b.ledger.publish()
  await waitFor(async () => (await b.cartas()).length === 1)
  await makeReadable(b)
  expect(await redirigir(b)).toMatchObject({ applied: 1 })
  expect(await b.sums()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
  expect(await b.watermark()).toMatchObject({ aplicadaAte: 1 })
  b.ledger.setAway(false)
  await b.ledger.loseStream()
  await b.ledger.publish()
  await waitFor(async () => (await b.metric('fluxo_projecao_eventos_total')) > 1)
  expect(await b.cartas()).toMatchObject([{ redirigida: true }])
  expect(await b.sums()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
})

test('what only the stream damaged is taken from the ledger, and its letter waits no more', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar([ONE_ENTRY])
  await b.ledger.publishText(1, `{"broken": "\\u0000 ${'\0'}`)
  await b.waitApplied()
  expect(await b.cartas()).toMatchObject([{ motivo: 'not JSON', pulada: false }])
  await b.owner`update carta_morta set evento = ${b.ledger.envelope(1)}`
  expect(await redirigir(b)).toEqual(NADA)
  await waitFor(async () => (await b.metric('fluxo_dead_letters_pending')) === 0)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('a fake beyond the end of the ledger cannot take the place of the true entry', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(3))
  await b.ledger.publish()
  await b.waitApplied(3)
  await b.ledger.publishText(4, '{"type":"fake"}')
  await waitFor(async () => (await b.cartas()).length === 1)
  b.ledger.registrar([ONE_ENTRY])
  await b.waitApplied(4)
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('an event that only the database refuses is isolated by halving', async () => {
  const b = await create()
  await b.sql`insert into saldo select 1, 'loja-1', '2025-10-15', ${'9'.repeat(24)}::text::numeric, 0, 1, 1, now()`
  await b.instance().start()
  b.ledger.registrar(facts(40))
  b.ledger.registrar([ONE_ENTRY])
  b.ledger.registrar(facts(40, 1))
  await b.ledger.publish()
  await b.waitApplied()
  expect(await b.cartas()).toMatchObject([{ posicao: 41, motivo: 'SQLSTATE 22003', pulada: true }])
  const { 'loja-1 2025-10-15': _, ...others } = b.ledger.sums()
  expect(await b.sums()).toMatchObject(others)
})

test('a missing grant pauses the projection instead of burying the day', async () => {
  const b = await create()
  await b.owner`revoke insert on saldo from consolidado`
  await b.instance().start()
  b.ledger.registrar(facts(10))
  await b.ledger.publish()
  await waitFor(() => b.logLines.some(({ estado: state }) => state === 'pausado'))
  expect(await b.cartas()).toHaveLength(0)
  await b.owner`grant insert on saldo to consolidado`
  await b.waitApplied()
  expect(await b.sums()).toEqual(b.ledger.sums())
})

test('events of a log that is no more are dropped once the ledger says so', async () => {
  const b = await create()
  await b.instance().start()
  b.ledger.registrar(facts(2))
  await b.ledger.publish()
  await b.waitApplied(2)
  const old = JSON.parse(b.ledger.envelope(1))
  const dead = { ...old, epoca: '00000000-0000-4000-8000-000000000000', sequence: '0000000000000003' }
  await b.ledger.publishText(3, JSON.stringify(dead))
  await waitFor(async () => (await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado'))[0] === 0)
  await waitFor(() => b.logLines.some(({ msg }) => String(msg).includes('no more')))
  expect(await b.watermark()).toMatchObject({ aplicadaAte: 2, holes: [] })
  expect(await b.sums()).toEqual(b.ledger.sums())
})
