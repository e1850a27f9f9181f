import { redriveLetters } from '@fluxo/shared/follow/redrive'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { type BancadaDeProjecao, createBancadaDeProjecao } from '../../test/bancada-de-projecao.ts'
import { fatos } from '../../test/razao.ts'
import { createProjecao } from './projecao.ts'

let bancada: BancadaDeProjecao | undefined
afterEach(async () => {
  await bancada?.fechar()
  bancada = undefined
})
const criar = async () => {
  bancada = await createBancadaDeProjecao()
  return bancada
}

const UMA = { comercianteId: 'loja-1', data: '2025-10-15', valor: 15050n }

/** The dead letters as the command line redrives them. */
const redirigir = (b: BancadaDeProjecao) => {
  const cache = { setIfNewer: async () => true }
  return redriveLetters(createProjecao({ sql: b.sql, cache, registry: new Registry() }), b.sql, 10)
}
const NADA = { applied: 0, failed: [] }

/** A version of the fact that this reader does not know. */
const v2 = (corpo: Record<string, unknown>) => ({ ...corpo, type: 'lancamento.registrado.v2' })
/** What a deploy that understands the letters would do: here the letters become readable instead. */
const tornarLegiveis = (b: BancadaDeProjecao) =>
  b.dono`update carta_morta set evento = replace(evento, 'registrado.v2', 'registrado.v1')`

test('entries of the stream become balances, and the answer is in the cache before the ack', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar([...fatos(700), UMA])
  await b.razao.publicar()
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
  await waitFor(async () => (await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado'))[0] === 0)
  expect(await b.cache('loja-1', '2025-10-15')).toMatch(
    /\|\{"data":"2025-10-15","total_creditos":150\.50,"total_debitos":0\.00,"saldo_final":150\.50,"quantidade":1,"atualizado_em":"[^"]+Z"\}$/,
  )
  expect(await b.metrica('fluxo_inbox_aplicada_ate')).toBe(701)
})

test('a redelivery changes no balance and writes again the day that the first attempt did not cache', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar([UMA])
  await b.razao.publicar()
  await b.aplicado()
  const key = `${b.cachePrefix}:{loja-1}:2025-10-15`
  await waitFor(async () => (await b.redis.commands.exists(key)) === 1)
  // The stream and the group are lost: the whole log is delivered again, to a cache that knows nothing.
  await b.redis.commands.unlink(key)
  await b.razao.perderStream()
  await b.razao.publicar()
  await waitFor(async () => (await b.redis.commands.exists(key)) === 1)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a delivery whose day could not be cached is not acknowledged but given again; what was pulled goes on', async () => {
  const b = await criar()
  let escreve = false
  const { committed } = createProjecao({
    sql: b.sql,
    cache: { setIfNewer: async () => escreve },
    registry: new Registry(),
  })
  const saldo = { ...UMA, creditos: 1n, debitos: 0n, quantidade: 1, versao: 1, atualizadoEm: '2025-10-15T12:00:00Z' }
  const commit = { particao: 0, rows: [], applied: 0, repeated: 0, touched: [[saldo]] }
  await expect(committed?.({ ...commit, origin: 'stream' })).rejects.toThrow('the cache could not be written')
  await committed?.({ ...commit, origin: 'feed' })
  escreve = true
  await committed?.({ ...commit, origin: 'stream' })
})

test('two instances share the stream and every entry counts once', async () => {
  const b = await criar()
  await Promise.all([b.instancia().start(), b.instancia().start()])
  b.razao.registrar(fatos(3_000))
  await b.razao.publicar()
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a poison event is kept with its reason, its neighbours count, and the watermark passes it on the word of the ledger', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(5))
  b.razao.registrar([UMA], v2)
  b.razao.registrar(fatos(5, 1))
  await b.razao.publicar()
  await b.aplicado(11)
  expect(await b.somas()).toEqual(b.razao.somas())
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
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar([UMA], v2)
  await b.razao.publicar()
  await b.aplicado()
  expect(await redirigir(b)).toMatchObject({ applied: 0, failed: [{ posicao: 1 }] })
  expect(await b.cartas()).toMatchObject([{ tentativas: 2, redirigida: false }])

  await tornarLegiveis(b)
  const vezes = await Promise.all([redirigir(b), redirigir(b)])
  expect(vezes.every(({ failed }) => failed.length === 0)).toBe(true)
  expect(await redirigir(b)).toEqual(NADA)
  expect(await b.somas()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
})

test('a letter whose position is still a hole is applied under that position, and the ledger does not bring it twice', async () => {
  const b = await criar()
  b.razao.sair(true)
  await b.instancia().start()
  b.razao.registrar([UMA], v2)
  await b.razao.publicar()
  await waitFor(async () => (await b.cartas()).length === 1)
  await tornarLegiveis(b)
  expect(await redirigir(b)).toMatchObject({ applied: 1 })
  expect(await b.somas()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
  expect(await b.marca()).toMatchObject({ aplicadaAte: 1 })
  b.razao.sair(false)
  await b.razao.perderStream()
  await b.razao.publicar()
  await waitFor(async () => (await b.metrica('fluxo_projecao_eventos_total')) > 1)
  expect(await b.cartas()).toMatchObject([{ redirigida: true }])
  expect(await b.somas()).toEqual({ 'loja-1 2025-10-15': [15050n, 0n, 1] })
})

test('what only the stream damaged is taken from the ledger, and its letter waits no more', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar([UMA])
  await b.razao.publicarTexto(1, `{"broken": "\\u0000 ${'\0'}`)
  await b.aplicado()
  expect(await b.cartas()).toMatchObject([{ motivo: 'not JSON', pulada: false }])
  await b.dono`update carta_morta set evento = ${b.razao.corpo(1)}`
  expect(await redirigir(b)).toEqual(NADA)
  await waitFor(async () => (await b.metrica('fluxo_dead_letters_pending')) === 0)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a fake beyond the end of the ledger cannot take the place of the true entry', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(3))
  await b.razao.publicar()
  await b.aplicado(3)
  await b.razao.publicarTexto(4, '{"type":"fake"}')
  await waitFor(async () => (await b.cartas()).length === 1)
  b.razao.registrar([UMA])
  await b.aplicado(4)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('an event that only the database refuses is isolated by halving', async () => {
  const b = await criar()
  await b.sql`insert into saldo select 1, 'loja-1', '2025-10-15', ${'9'.repeat(24)}::text::numeric, 0, 1, 1, now()`
  await b.instancia().start()
  b.razao.registrar(fatos(40))
  b.razao.registrar([UMA])
  b.razao.registrar(fatos(40, 1))
  await b.razao.publicar()
  await b.aplicado()
  expect(await b.cartas()).toMatchObject([{ posicao: 41, motivo: 'SQLSTATE 22003', pulada: true }])
  const { 'loja-1 2025-10-15': _, ...outras } = b.razao.somas()
  expect(await b.somas()).toMatchObject(outras)
})

test('a missing grant pauses the projection instead of burying the day', async () => {
  const b = await criar()
  await b.dono`revoke insert on saldo from consolidado`
  await b.instancia().start()
  b.razao.registrar(fatos(10))
  await b.razao.publicar()
  await waitFor(() => b.linhas.some(({ estado }) => estado === 'pausado'))
  expect(await b.cartas()).toHaveLength(0)
  await b.dono`grant insert on saldo to consolidado`
  await b.aplicado()
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('events of a log that is no more are dropped once the ledger says so', async () => {
  const b = await criar()
  await b.instancia().start()
  b.razao.registrar(fatos(2))
  await b.razao.publicar()
  await b.aplicado(2)
  const velho = JSON.parse(b.razao.corpo(1))
  const morto = { ...velho, epoca: '00000000-0000-4000-8000-000000000000', sequence: '0000000000000003' }
  await b.razao.publicarTexto(3, JSON.stringify(morto))
  await waitFor(async () => (await b.redis.commands.xpending(`${b.streamPrefix}:{0}`, 'consolidado'))[0] === 0)
  await waitFor(() => b.linhas.some(({ msg }) => String(msg).includes('no more')))
  expect(await b.marca()).toMatchObject({ aplicadaAte: 2, buracos: [] })
  expect(await b.somas()).toEqual(b.razao.somas())
})
