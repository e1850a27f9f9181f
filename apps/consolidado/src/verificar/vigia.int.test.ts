import { redriveLetters } from '@fluxo/shared/follow/redrive'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { type BancadaDeProjecao, createBancadaDeProjecao } from '../../test/bancada-de-projecao.ts'
import { fatos } from '../../test/razao.ts'
import { createProjecao } from '../projetar/projecao.ts'
import { reconstruir } from '../reconstruir/reconstrucao.ts'

/** Rounds one after another: a test waits for what the next one finds. */
const SEMPRE = { verificacaoMs: 100 }

let bancada: BancadaDeProjecao | undefined
afterEach(async () => {
  await bancada?.fechar()
  bancada = undefined
})

/** A projection that verifies itself, with what was registered in it and compared at least once. */
const criar = async (quantos = 60) => {
  const b = await createBancadaDeProjecao()
  bancada = b
  await b.instancia(SEMPRE).start()
  b.razao.registrar(fatos(quantos))
  await b.razao.publicar()
  await b.aplicado()
  const somada = async () => {
    const [estado] = await b.sql<{ posicao: number }[]>`select posicao::int as posicao from conferencia_particao`
    return estado?.posicao === b.razao.ultima
  }
  /** Two more rounds that compared: the first may have begun before. */
  const rodadas = async (vezes = 2) => {
    for (let vez = 0; vez < vezes; vez += 1) {
      const antes = await b.metrica('fluxo_verificacao_dias_total')
      await waitFor(async () => (await b.metrica('fluxo_verificacao_dias_total')) > antes, { timeoutMs: 20_000 })
    }
  }
  const diferencas = async (tipo: string) => {
    const metrica = await b.registry.getSingleMetric('fluxo_verificacao_diferencas')?.get()
    return metrica?.values.find(({ labels }) => labels['tipo'] === tipo)?.value
  }
  const achou = (tipo: string, quantas = 1) =>
    waitFor(async () => (await diferencas(tipo)) === quantas, { timeoutMs: 20_000, what: `${quantas} of ${tipo}` })
  const disse = (texto: RegExp) => b.linhas.some(({ diferenca }) => texto.test(String(diferenca)))
  await waitFor(somada, { timeoutMs: 20_000, what: 'all is added up' })
  return { b, rodadas, diferencas, achou, disse, somada }
}

const exatas = { saldo: 0, versao: 0, cache: 0, razao: 0, inbox: 0, epoca: 0 }

test('books that are written all the time are exact in every round, and the ledger is read once', async () => {
  const { b, rodadas, diferencas, somada } = await criar()
  for (let sal = 0; sal < 40; sal += 1) {
    const ate = b.razao.registrar(fatos(25, sal))
    await b.razao.publicar(ate - 25)
    if (sal % 10 === 0) await rodadas(1)
    for (const tipo of Object.keys(exatas)) expect(await diferencas(tipo)).toBe(0)
  }
  await b.aplicado()
  await waitFor(somada)
  await rodadas()
  for (const tipo of Object.keys(exatas)) expect(await diferencas(tipo)).toBe(0)
  expect(b.linhas.filter(({ level }) => level === 'error')).toEqual([])
  const [soma] = await b.sql<{ n: number }[]>`select sum(quantidade)::int as n from conferencia`
  expect(soma?.n).toBe(60 + 40 * 25)
  expect(await b.metrica('fluxo_verificacao_lease')).toBe(1)
  const agora = Date.now() / 1_000
  expect(await b.metrica('fluxo_verificacao_ultima_timestamp_seconds')).toBeGreaterThan(agora - 60)
})

test('a difference planted in a day that nobody touches is found, named once, and gone when it is mended', async () => {
  const { b, achou, disse, rodadas } = await criar()
  const onde = b.dono`comerciante_id = 'loja-1' and data = '2025-10-02'`
  await b.dono`update saldo set debitos = debitos + 1 where ${onde}`
  await achou('saldo')
  await rodadas()
  expect(disse(/^saldo {3}loja-1 2025-10-02: the ledger says/)).toBe(true)
  expect(b.linhas.filter(({ diferenca }) => String(diferenca).startsWith('saldo'))).toHaveLength(1)
  await b.dono`update saldo set debitos = debitos - 1, versao = versao + 1000 where ${onde}`
  await achou('saldo', 0)
  await achou('versao')
  await b.dono`update saldo set versao = versao - 1000 where ${onde}`
  await achou('versao', 0)
  await b.dono`create table guardado as select * from saldo where ${onde}`
  await b.dono`delete from saldo where ${onde}`
  await achou('saldo')
  await b.dono`insert into saldo select * from guardado`
  await b.dono`insert into saldo select 1, 'zz', '2025-10-02', 1, 0, 1, versao, now() from guardado`
  await waitFor(() => disse(/^saldo {3}zz 2025-10-02: the ledger says \+0\.00 -0\.00 \(0\)/), { timeoutMs: 20_000 })
  await b.dono`delete from saldo where comerciante_id = 'zz'`
  await achou('saldo', 0)
  await waitFor(() => b.linhas.some(({ msg }) => msg === 'the books agree with the ledger again'))
})

test('days are compared in stretches that fit together, also where a whole stretch of rows is gone', async () => {
  const { b, achou, diferencas, rodadas } = await criar(1)
  const muitos = Array.from({ length: 12_000 }, (_, i) => ({
    comercianteId: `m-${i}`,
    data: '2025-10-15',
    valor: 100n,
  }))
  b.razao.registrar(muitos)
  await b.aplicado()
  await waitFor(async () => (await diferencas('saldo')) === 0, { timeoutMs: 30_000 })
  await rodadas()
  expect(await diferencas('saldo')).toBe(0)
  await b.dono`delete from saldo where comerciante_id like 'm-1%'`
  const [faltam] = await b.sql<{ n: number }[]>`select 12001 - count(*)::int as n from saldo`
  await achou('saldo', faltam?.n)
})

test('a cached day that is not its row is found where the day was touched', async () => {
  const { b, achou, disse } = await criar()
  const chave = `${b.cachePrefix}:{loja-9}:2025-10-02`
  b.razao.registrar([{ comercianteId: 'loja-9', data: '2025-10-02', valor: 5n }])
  await b.aplicado()
  const certo = await waitForText(() => b.cache('loja-9', '2025-10-02'))
  const tocar = async () => {
    const ate = b.razao.registrar([{ comercianteId: 'loja-9', data: '2025-10-02', valor: 5n }])
    await b.redis.commands.set(chave, certo.replace(/^\d+/, '9007199254740991'))
    await b.razao.publicar(ate - 1)
  }
  await tocar()
  await achou('cache')
  expect(disse(/^cache {3}loja-9 2025-10-02: cached as version 9007199254740991/)).toBe(true)
  await b.redis.commands.unlink(chave)
  await achou('cache', 0)
})

const waitForText = async (ler: () => Promise<string | null>): Promise<string> => {
  let texto: string | null = null
  await waitFor(async () => {
    texto = await ler()
    return texto !== null
  })
  return texto ?? ''
}

test('a rebuild and a restored log begin the sums anew; the epoch is told while the projection stands still', async () => {
  const { b, achou, rodadas, diferencas, somada } = await criar()
  await reconstruir({ databaseUrl: b.database.appUrl, feed: b.feed, particoes: 1 })
  await waitFor(async () => (await b.sql`select 1 from conferencia_particao where geracao = 2`).length === 1, {
    timeoutMs: 20_000,
  })
  await rodadas()
  expect(await diferencas('saldo')).toBe(0)
  b.razao.restaurar(40)
  b.razao.registrar(fatos(30, 7))
  await waitFor(async () => ((await diferencas('epoca')) ?? 0) > 0, { timeoutMs: 20_000, what: 'another epoch' })
  await reconstruir({ databaseUrl: b.database.appUrl, feed: b.feed, particoes: 1 })
  // This rebuild was given no cache to put right, and the rounds would rightly complain.
  await b.redis.commands.unlink(await b.redis.commands.keys(`${b.cachePrefix}:*`))
  await achou('epoca', 0)
  await waitFor(somada, { timeoutMs: 20_000 })
  await rodadas()
  expect(await diferencas('saldo')).toBe(0)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('what the ledger lacks stays counted, and what cannot be read is no difference', async () => {
  const { b, achou, rodadas, diferencas } = await criar()
  b.razao.pularPosicao()
  b.razao.registrar(fatos(2), (corpo) => ({ ...corpo, type: 'lancamento.registrado.v2' }))
  await b.dono`update inbox_particao set aplicada_ate = 61, ultima_posicao = 61`
  await b.aplicado()
  await achou('razao')
  await rodadas()
  expect(await diferencas('razao')).toBe(1)
  expect(await diferencas('saldo')).toBe(0)
})

test('an entry that waits as a dead letter is no difference, before and after it is redriven', async () => {
  const { b, rodadas, diferencas, somada } = await criar()
  // An overflow: an event that can be read and not be applied.
  await b.sql`insert into saldo select 1, 'loja-7', '2025-10-15', ${'9'.repeat(24)}::text::numeric, 0, 1, ${2 ** 40 + 1}, now()`
  b.razao.registrar([{ comercianteId: 'loja-7', data: '2025-10-15', valor: 100n }])
  await b.aplicado()
  await b.sql`delete from saldo where comerciante_id = 'loja-7'`
  expect(await b.cartas()).toMatchObject([{ posicao: 61, pulada: true }])
  await waitFor(somada, { timeoutMs: 20_000 })
  await rodadas()
  expect(await diferencas('saldo')).toBe(0)
  const cache = { setIfNewer: async () => true }
  const projecao = createProjecao({ sql: b.sql, cache, registry: new Registry() })
  expect(await redriveLetters(projecao, b.sql, 10)).toMatchObject({ applied: 1 })
  const recomecou = async () => (await b.sql`select 1 from conferencia_particao where redirigidas = 1`).length === 1
  await waitFor(recomecou, { timeoutMs: 20_000, what: 'the sums to begin anew' })
  await waitFor(somada, { timeoutMs: 20_000 })
  await rodadas()
  expect(await diferencas('saldo')).toBe(0)
  expect(await b.somas()).toEqual(b.razao.somas())
})

test('a ledger that is away costs one line of log, and the rounds go on when it is back', async () => {
  const { b, rodadas } = await criar()
  b.razao.sair(true)
  await waitFor(() => b.linhas.some(({ msg }) => msg === 'verification cannot go on for now'), { timeoutMs: 20_000 })
  b.razao.sair(false)
  await rodadas()
  expect(b.linhas.filter(({ msg }) => msg === 'verification cannot go on for now')).toHaveLength(1)
})
