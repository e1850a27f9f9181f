import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'
import { chaveDoSaldo } from '../domain/saldo.ts'

let bancada: BancadaDeConsulta
const esperas: { particao: number; posicao: number; timeoutMs: number }[] = []
/** Positions up to here are applied. */
let aplicadaAte = Number.POSITIVE_INFINITY

beforeAll(async () => {
  bancada = await createBancadaDeConsulta({
    particoes: 2,
    waitApplied: async (particao, posicao, { timeoutMs }) => {
      esperas.push({ particao, posicao, timeoutMs })
      return posicao <= aplicadaAte
    },
  })
})
afterAll(() => bancada.fechar())

const umaLoja = () => uniquePrefix('loja')
/** For the cache to be written: ample for a busy machine. */
const ESPERA = { timeout: 20_000 }

type Corpo = { total_creditos?: number; codigo?: string; detail?: string; erros?: { campo: string }[] }
const ler = async (resposta: Response) => (await resposta.json()) as Corpo
const origem = (resposta: Response) => resposta.headers.get('fluxo-cache')

describe('GET /consolidado/{data}', () => {
  it('answers the day with two decimals, from PostgreSQL first and from the cache then', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, creditos: 15_050n, debitos: 20n, quantidade: 2 })
    const pedir = await bancada.como(comercianteId)
    const primeira = await pedir('/consolidado/2025-10-15')
    expect(primeira.status).toBe(200)
    const texto = await primeira.text()
    expect(texto).toMatch(
      /^\{"data":"2025-10-15","total_creditos":150\.50,"total_debitos":0\.20,"saldo_final":150\.30,"quantidade":2,"atualizado_em":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}$/,
    )
    expect(origem(primeira)).toBe('miss')
    expect(primeira.headers.get('cache-control')).toBe('private, no-cache')
    expect(primeira.headers.get('content-type')).toBe('application/json')
    await expect.poll(async () => origem(await pedir('/consolidado/2025-10-15')), ESPERA).toBe('hit')
    expect(await (await pedir('/consolidado/2025-10-15')).text()).toBe(texto)
  })

  it('a day without entries is zeros, and its first entry replaces them although they are cached', async () => {
    const comercianteId = umaLoja()
    const pedir = await bancada.como(comercianteId)
    const vazio = await pedir('/consolidado/2025-10-15')
    expect(await vazio.text()).toBe(
      '{"data":"2025-10-15","total_creditos":0.00,"total_debitos":0.00,"saldo_final":0.00,"quantidade":0,"atualizado_em":null}',
    )
    await expect.poll(async () => origem(await pedir('/consolidado/2025-10-15')), ESPERA).toBe('hit')
    expect(await bancada.redis.pttl(`${bancada.prefix}:${chaveDoSaldo(comercianteId, '2025-10-15')}`)).toBeLessThan(
      67_000,
    )
    const antes = vazio.headers.get('etag')
    await bancada.cache.setIfNewer([
      { key: chaveDoSaldo(comercianteId, '2025-10-15'), versao: 2 ** 40 + 1, body: '{"novo":1}' },
    ])
    const depois = await pedir('/consolidado/2025-10-15', { 'if-none-match': antes ?? '' })
    expect([depois.status, await depois.text()]).toEqual([200, '{"novo":1}'])
  })

  it('a late fill with an old value loses against what the consumer wrote meanwhile', async () => {
    const comercianteId = umaLoja()
    const key = chaveDoSaldo(comercianteId, '2025-10-15')
    await bancada.projetar({ comercianteId, creditos: 100n })
    await bancada.cache.setIfNewer([{ key, versao: 2 ** 40 + 9, body: '{"versao":9}' }])
    await bancada.cache.fill({ key, versao: 2 ** 40 + 1, body: '{"versao":1}' })
    const pedir = await bancada.como(comercianteId)
    expect(await ler(await pedir('/consolidado/2025-10-15'))).toEqual({ versao: 9 })
  })

  it('304 for the tag of this version, weak or in a list, and 200 after a change', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, creditos: 100n })
    const pedir = await bancada.como(comercianteId)
    const etag = (await pedir('/consolidado/2025-10-15')).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"\d+-loja_/)
    for (const valor of [etag, `W/${etag}`, `"outra", ${etag}`, '*']) {
      const resposta = await pedir('/consolidado/2025-10-15', { 'if-none-match': valor })
      expect([resposta.status, await resposta.text(), resposta.headers.get('etag')]).toEqual([304, '', etag])
      expect(resposta.headers.get('cache-control')).toBe('private, no-cache')
    }
    await bancada.projetar({ comercianteId, creditos: 200n })
    const lida = await pedir('/consolidado/2025-10-15', { 'if-none-match': etag, 'fluxo-posicao': '0:1' })
    expect([lida.status, (await ler(lida)).total_creditos]).toEqual([200, 2])
  })

  it('shows a merchant its own days only, whatever tag or token it brings', async () => {
    const [a, b] = [umaLoja(), umaLoja()]
    await bancada.projetar({ comercianteId: a, creditos: 100n })
    await bancada.projetar({ comercianteId: b, creditos: 999n })
    const [comoA, comoB] = await Promise.all([bancada.como(a), bancada.como(b)])
    const deA = await comoA('/consolidado/2025-10-15')
    const deB = await comoB('/consolidado/2025-10-15', { 'if-none-match': deA.headers.get('etag') ?? '' })
    expect([deB.status, (await ler(deB)).total_creditos]).toEqual([200, 9.99])
    expect((await ler(deA)).total_creditos).toBe(1)
    const admin = await bancada.como(a, ['admin', 'consolidado:ler'])
    expect((await ler(await admin('/consolidado/2025-10-15'))).total_creditos).toBe(1)
    const semEscopo = await bancada.como(a, ['lancamentos:ler'])
    expect((await semEscopo('/consolidado/2025-10-15')).status).toBe(403)
    expect((await fetch(`${bancada.url}/consolidado/2025-10-15`)).status).toBe(401)
  })

  it('refuses what is no calendar day, and parameters that it does not know, by name', async () => {
    const pedir = await bancada.como(umaLoja())
    for (const data of ['2025-02-29', '1899-12-31', '2200-01-01', 'hoje', '2025-10-1', '2025-10-15T00:00']) {
      const resposta = await pedir(`/consolidado/${data}`)
      expect(resposta.status, data).toBe(422)
      expect(await ler(resposta)).toMatchObject({ codigo: 'dados-invalidos', erros: [{ campo: 'data' }] })
    }
    const resposta = await pedir('/consolidado/2025-10-15?comerciante=outra')
    expect(resposta.status).toBe(422)
    expect(await ler(resposta)).toMatchObject({ erros: [{ campo: 'comerciante', mensagem: 'Campo desconhecido.' }] })
  })

  it('concurrent first reads of one day ask PostgreSQL once', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, creditos: 100n })
    const pedir = await bancada.como(comercianteId)
    const respostas = await Promise.all(Array.from({ length: 50 }, () => pedir('/consolidado/2025-10-15')))
    const corpos = new Set(await Promise.all(respostas.map((resposta) => resposta.text())))
    expect(corpos.size).toBe(1)
  })
})

describe('Fluxo-Posicao', () => {
  it('the answer contains the position although an older value is cached', async () => {
    const comercianteId = umaLoja()
    await bancada.projetar({ comercianteId, creditos: 100n })
    const pedir = await bancada.como(comercianteId)
    await expect.poll(async () => origem(await pedir('/consolidado/2025-10-15')), ESPERA).toBe('hit')
    await bancada.projetar({ comercianteId, creditos: 300n })
    const resposta = await pedir('/consolidado/2025-10-15', { 'fluxo-posicao': '1:77', prefer: 'wait=5' })
    expect([origem(resposta), (await ler(resposta)).total_creditos]).toEqual(['bypass', 3])
    expect(resposta.headers.get('preference-applied')).toBe('wait=5')
    expect(esperas.at(-1)).toEqual({ particao: 1, posicao: 77, timeoutMs: 5_000 })
    await expect.poll(async () => (await ler(await pedir('/consolidado/2025-10-15'))).total_creditos, ESPERA).toBe(3)
  })

  it('several positions are waited for at once, each in its partition, and one that is missing is 503', async () => {
    const pedir = await bancada.como(umaLoja())
    esperas.length = 0
    const cabecalhos = { 'fluxo-posicao': '0:100, 1:7, 0:3, pedidos:0:999', prefer: 'wait=1' }
    expect((await pedir('/consolidado/2025-10-15', cabecalhos)).status).toBe(200)
    expect(esperas).toEqual([
      { particao: 0, posicao: 100, timeoutMs: 1_000 },
      { particao: 1, posicao: 7, timeoutMs: 1_000 },
    ])
    aplicadaAte = 50
    expect((await pedir('/consolidado/2025-10-15', cabecalhos)).status).toBe(503)
    expect((await pedir('/consolidado/2025-10-15', { 'fluxo-posicao': 'pedidos:0:999' })).status).toBe(200)
    aplicadaAte = Number.POSITIVE_INFINITY
  })

  it('a position that does not arrive in time is 503 with Retry-After', async () => {
    aplicadaAte = 100
    const pedir = await bancada.como(umaLoja())
    for (const caminho of ['/consolidado/2025-10-15', '/consolidado?de=2025-10-01&ate=2025-10-31']) {
      const resposta = await pedir(caminho, { 'fluxo-posicao': '0:101' })
      expect([resposta.status, resposta.headers.get('retry-after')]).toEqual([503, '1'])
      expect((await ler(resposta)).codigo).toBe('posicao-pendente')
    }
    aplicadaAte = Number.POSITIVE_INFINITY
  })

  it('a malformed header is 400 and named', async () => {
    const pedir = await bancada.como(umaLoja())
    for (const headers of [
      { 'fluxo-posicao': 'x' },
      { 'fluxo-posicao': '2:1' },
      { 'fluxo-posicao': '0:1', prefer: 'wait=x' },
    ]) {
      const resposta = await pedir('/consolidado/2025-10-15', headers)
      const problema = await ler(resposta)
      expect([resposta.status, problema.codigo]).toEqual([400, 'cabecalho-invalido'])
      expect(problema.detail).toContain('prefer' in headers ? 'Prefer' : 'Fluxo-Posicao')
    }
  })
})
