import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { redisUrl } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, expect, test } from 'vitest'
import { type BancadaDeProjecao, createBancadaDeProjecao, SEGREDO } from '../../test/bancada-de-projecao.ts'
import { fatos } from '../../test/razao.ts'
import { type Opcoes, verificarCli } from './cli.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const escutar = async (b: BancadaDeProjecao): Promise<Server> => {
  const server = createServer(async (req, res) => {
    const answer = b.razao.fetch(`http://razao${req.url}`)
    res.writeHead(answer.status).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => void server.close())
  return server
}

/** A projection at rest with 60 entries of 3 merchants on 5 days, and a way to verify it. */
const criar = async () => {
  const b = await createBancadaDeProjecao()
  closers.push(b.fechar)
  const server = await escutar(b)
  const env = {
    DATABASE_URL_CONSOLIDADO: b.database.appUrl,
    FEED_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    REDIS_URL: redisUrl(),
    JWT_SECRET: SEGREDO,
  }
  const instancia = b.instancia()
  await instancia.start()
  b.razao.registrar(fatos(60))
  await b.razao.publicar()
  await b.aplicado()
  await waitFor(async () => (await b.cache('loja-1', '2025-10-02')) !== null)
  await instancia.drain()
  const verificar = async (opcoes: Partial<Opcoes> = {}, outra: Partial<typeof env> = {}) => {
    const linhas: string[] = []
    const { cachePrefix, streamPrefix } = b
    const todas = { recorte: {}, amostra: 1_000, json: false, atrasoMs: 200, cachePrefix, streamPrefix, ...opcoes }
    const saidas = { out: (line: string) => void linhas.push(line), err: () => {} }
    const diferencas = await verificarCli({ ...env, ...outra }, todas, saidas)
    return { diferencas, texto: linhas.join('\n') }
  }
  return { b, verificar }
}

test('books that are exact are told so, in words and as JSON', async () => {
  const { verificar } = await criar()
  const { diferencas, texto } = await verificar()
  expect(texto).toMatch(/^60 entries, 15 merchant days and 15 cached days in .*\nexact: no difference$/)
  expect(diferencas).toBe(0)
  const json = await verificar({ json: true })
  expect(JSON.parse(json.texto)).toMatchObject({ exato: true, entradas: 60, dias: 15, diferencas: [] })
  const parte = await verificar({ recorte: { comercianteId: 'loja-1', de: '2025-10-02', ate: '2025-10-03' } })
  expect(parte).toMatchObject({ diferencas: 0, texto: expect.stringContaining('2 merchant days and 2 cached days') })
})

test('a difference planted in the balances is named by merchant and day, or by partition', async () => {
  const { b, verificar } = await criar()
  const { dono } = b
  const plantar = async (...linhas: RegExp[]) => {
    const { diferencas, texto } = await verificar()
    for (const linha of linhas) expect(texto).toMatch(linha)
    return diferencas
  }
  await dono`create table antes as select * from saldo`
  await dono`create table inbox_antes as select * from inbox_particao`
  const desfazer = async () => {
    await dono`truncate saldo, inbox_particao`
    await dono`insert into saldo select * from antes`
    await dono`insert into inbox_particao select * from inbox_antes`
    expect((await verificar()).texto).toContain('exact')
  }
  const onde = dono`comerciante_id = 'loja-1' and data = '2025-10-02'`

  await dono`update saldo set creditos = creditos + 1 where ${onde}`
  await plantar(/^saldo {3}loja-1 2025-10-02: the ledger says \+\d+\.\d\d -\d+\.\d\d \(4\), the balance is \+/m)
  await desfazer()
  await dono`update saldo set quantidade = quantidade + 1 where ${onde}`
  await plantar(/^saldo {3}loja-1 2025-10-02: .*\(4\), the balance is .*\(5\)/m)
  await desfazer()
  await dono`update saldo set versao = versao + 100 where ${onde}`
  await plantar(/^versao {2}loja-1 2025-10-02: version/m)
  await desfazer()
  await dono`delete from saldo where ${onde}`
  expect(await plantar(/^saldo {3}loja-1 2025-10-02: .* the balance is absent/m)).toBe(2)
  await desfazer()
  await dono`insert into saldo select geracao, 'loja-x', data, 5, 0, 1, versao, atualizado_em from saldo limit 1`
  await plantar(/^saldo {3}loja-x 2025-10-\d\d: the ledger says \+0\.00 -0\.00 \(0\), the balance is \+0\.05/m)
  await desfazer()
  // Position 60: the last of `fatos`, of loja-2 on the 5th.
  await dono`update inbox_particao set aplicada_ate = aplicada_ate - 1`
  await plantar(/^inbox {3}partition 0: .*59 by the watermark/m, /^saldo {3}loja-2 2025-10-05/m)
  await desfazer()
  await dono`update inbox_particao set aplicada_ate = aplicada_ate + 5`
  await plantar(/^inbox {3}partition 0: .*65 by the watermark/m, /^epoca {3}partition 0: position 65 was applied/m)
  await desfazer()
  await dono`update inbox_particao set epoca = gen_random_uuid(), ultimo_id = gen_random_uuid()`
  await plantar(
    /^epoca {3}partition 0: the balances follow the log/m,
    /^epoca {3}partition 0: position 60 was applied as/m,
  )
  await desfazer()
  await dono`insert into carta_morta values (0, 60, '{}', 'old reader', 1, now(), now(), null)`
  await plantar(/^carta {3}partition 0: 1 entries wait/m, /^saldo {3}loja-2 2025-10-05/m)
})

test('a difference planted in the cache or the stream is named', async () => {
  const { b, verificar } = await criar()
  const chave = `${b.cachePrefix}:{loja-1}:2025-10-02`
  const antes = (await b.cache('loja-1', '2025-10-02')) ?? ''
  const [versao = '', run = '', body = ''] = antes.split('|')
  const plantar = async (valor: string, linha: RegExp) => {
    await b.redis.commands.set(chave, valor)
    expect(await verificar()).toMatchObject({ diferencas: 1, texto: expect.stringMatching(linha) })
    await b.redis.commands.set(chave, antes)
  }
  const outro = body.replace(/"total_creditos":\d+/, '"total_creditos":987654')
  await plantar(`${versao}|${run}|${outro}`, /^cache {3}loja-1 2025-10-02: cached at version \d+ as .*987654/m)
  await plantar(`${Number(versao) + 1}|${run}|${body}`, /^cache {3}loja-1 2025-10-02: cached as version/m)
  await plantar(`${Number(versao) - 1}|${run}|${outro}`, /^cache {3}loja-1 2025-10-02: cached at version/m)
  await plantar('rubbish', /^cache {3}loja-1 2025-10-02: cached as something that is no entry/m)
  await b.razao.publicarTexto(70, '{}')
  expect((await verificar()).texto).toMatch(/^relay {3}partition 0: the stream ends at 70, and the ledger at 60/m)
  const cursores = async () => [{ particao: 0, cursor: 61, ultima: 60 }]
  expect((await verificar({ cursores })).texto).toMatch(/^relay {3}partition 0: the relay's cursor is at 61/m)
})

test('a ledger with a gap, or whose counter was moved, is named with the days that it changes', async () => {
  const { b, verificar } = await criar()
  b.razao.pularPosicao()
  b.razao.registrar(fatos(1))
  const { texto } = await verificar()
  expect(texto).toMatch(/^razao {3}partition 0: the ledger lacks position 61$/m)
  b.razao.pularPosicao()
  expect((await verificar()).texto).toMatch(
    /^razao {3}partition 0: the counter stands at 63, and the last entry is 62/m,
  )
  b.razao.restaurar(50, { novaEpoca: false })
  expect((await verificar()).texto).toMatch(
    /^epoca {3}partition 0: position 60 was applied, and the ledger ends at 50/m,
  )
})

test('what is applied meanwhile is no difference', async () => {
  const { b, verificar } = await criar()
  await b.instancia().start()
  const fim = performance.now() + 1_500
  const escrever = async () => {
    for (let sal = 0; performance.now() < fim; sal += 1) {
      const de = b.razao.registrar(fatos(20, sal))
      await b.razao.publicar(de - 20)
    }
  }
  const conferir = async () => {
    let vezes = 0
    for (; performance.now() < fim; vezes += 1) {
      expect((await verificar({ atrasoMs: 5_000 })).texto).toContain('exact')
    }
    return vezes
  }
  const [, vezes] = await Promise.all([escrever(), conferir()])
  expect(vezes).toBeGreaterThan(0)
})

test('without Redis it says what is not looked at; without a ledger it fails with a sentence', async () => {
  const { b, verificar } = await criar()
  const semRedis = await verificar({}, { REDIS_URL: 'redis://127.0.0.1:1' })
  expect(semRedis).toMatchObject({ diferencas: 0, texto: expect.stringContaining('0 cached days') })
  b.razao.sair(true)
  await expect(verificar()).rejects.toThrow('the feed answered 503')
})
