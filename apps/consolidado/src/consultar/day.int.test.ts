import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'
import { saldoKey } from '../domain/saldo.ts'

let stage: QueryStage
const waits: { particao: number; posicao: number; timeoutMs: number }[] = []
/** Positions up to here are applied. */
let aplicadaAte = Number.POSITIVE_INFINITY

beforeAll(async () => {
  stage = await createQueryStage({
    particoes: 2,
    waitApplied: async (particao, posicao, { timeoutMs }) => {
      waits.push({ particao, posicao, timeoutMs })
      return posicao <= aplicadaAte
    },
  })
})
afterAll(() => stage.close())

const oneMerchant = () => uniquePrefix('loja')
/** For the cache to be written: ample for a busy machine. */
const WAIT = { timeout: 20_000 }

type Body = { total_creditos?: number; codigo?: string; detail?: string; erros?: { campo: string }[] }
const read = async (answer: Response) => (await answer.json()) as Body
const source = (answer: Response) => answer.headers.get('fluxo-cache')

describe('GET /consolidado/{data}', () => {
  it('answers the day with two decimals, from PostgreSQL first and from the cache then', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, creditos: 15_050n, debitos: 20n, quantidade: 2 })
    const ask = await stage.askAs(comercianteId)
    const first = await ask('/consolidado/2025-10-15')
    expect(first.status).toBe(200)
    const text = await first.text()
    expect(text).toMatch(
      /^\{"data":"2025-10-15","total_creditos":150\.50,"total_debitos":0\.20,"saldo_final":150\.30,"quantidade":2,"atualizado_em":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}$/,
    )
    expect(source(first)).toBe('miss')
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    expect(first.headers.get('content-type')).toBe('application/json')
    await expect.poll(async () => source(await ask('/consolidado/2025-10-15')), WAIT).toBe('hit')
    expect(await (await ask('/consolidado/2025-10-15')).text()).toBe(text)
  })

  it('a day without entries is zeros, and its first entry replaces them although they are cached', async () => {
    const comercianteId = oneMerchant()
    const ask = await stage.askAs(comercianteId)
    const empty = await ask('/consolidado/2025-10-15')
    expect(await empty.text()).toBe(
      '{"data":"2025-10-15","total_creditos":0.00,"total_debitos":0.00,"saldo_final":0.00,"quantidade":0,"atualizado_em":null}',
    )
    await expect.poll(async () => source(await ask('/consolidado/2025-10-15')), WAIT).toBe('hit')
    expect(await stage.redis.pttl(`${stage.prefix}:${saldoKey(comercianteId, '2025-10-15')}`)).toBeLessThan(67_000)
    const before = empty.headers.get('etag')
    await stage.cache.setIfNewer([
      { key: saldoKey(comercianteId, '2025-10-15'), versao: 2 ** 40 + 1, body: '{"novo":1}' },
    ])
    const after = await ask('/consolidado/2025-10-15', { 'if-none-match': before ?? '' })
    expect([after.status, await after.text()]).toEqual([200, '{"novo":1}'])
  })

  it('a late fill with an old value loses against what the consumer wrote meanwhile', async () => {
    const comercianteId = oneMerchant()
    const key = saldoKey(comercianteId, '2025-10-15')
    await stage.projetar({ comercianteId, creditos: 100n })
    await stage.cache.setIfNewer([{ key, versao: 2 ** 40 + 9, body: '{"versao":9}' }])
    await stage.cache.fill({ key, versao: 2 ** 40 + 1, body: '{"versao":1}' })
    const ask = await stage.askAs(comercianteId)
    expect(await read(await ask('/consolidado/2025-10-15'))).toEqual({ versao: 9 })
  })

  it('304 for the tag of this version, weak or in a list, and 200 after a change', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, creditos: 100n })
    const ask = await stage.askAs(comercianteId)
    const etag = (await ask('/consolidado/2025-10-15')).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"\d+-loja_/)
    for (const valor of [etag, `W/${etag}`, `"outra", ${etag}`, '*']) {
      const answer = await ask('/consolidado/2025-10-15', { 'if-none-match': valor })
      expect([answer.status, await answer.text(), answer.headers.get('etag')]).toEqual([304, '', etag])
      expect(answer.headers.get('cache-control')).toBe('private, no-cache')
    }
    await stage.projetar({ comercianteId, creditos: 200n })
    const reading = await ask('/consolidado/2025-10-15', { 'if-none-match': etag, 'fluxo-posicao': '0:1' })
    expect([reading.status, (await read(reading)).total_creditos]).toEqual([200, 2])
  })

  it('shows a merchant its own days only, whatever tag or token it brings', async () => {
    const [a, b] = [oneMerchant(), oneMerchant()]
    await stage.projetar({ comercianteId: a, creditos: 100n })
    await stage.projetar({ comercianteId: b, creditos: 999n })
    const [askAsA, askAsB] = await Promise.all([stage.askAs(a), stage.askAs(b)])
    const fromA = await askAsA('/consolidado/2025-10-15')
    const fromB = await askAsB('/consolidado/2025-10-15', { 'if-none-match': fromA.headers.get('etag') ?? '' })
    expect([fromB.status, (await read(fromB)).total_creditos]).toEqual([200, 9.99])
    expect((await read(fromA)).total_creditos).toBe(1)
    const admin = await stage.askAs(a, ['admin', 'consolidado:ler'])
    expect((await read(await admin('/consolidado/2025-10-15'))).total_creditos).toBe(1)
    const withoutScope = await stage.askAs(a, ['lancamentos:ler'])
    expect((await withoutScope('/consolidado/2025-10-15')).status).toBe(403)
    expect((await fetch(`${stage.url}/consolidado/2025-10-15`)).status).toBe(401)
  })

  it('refuses what is no calendar day, and parameters that it does not know, by name', async () => {
    const ask = await stage.askAs(oneMerchant())
    for (const data of ['2025-02-29', '1899-12-31', '2200-01-01', 'hoje', '2025-10-1', '2025-10-15T00:00']) {
      const answer = await ask(`/consolidado/${data}`)
      expect(answer.status, data).toBe(422)
      expect(await read(answer)).toMatchObject({ codigo: 'dados-invalidos', erros: [{ campo: 'data' }] })
    }
    const answer = await ask('/consolidado/2025-10-15?comerciante=outra')
    expect(answer.status).toBe(422)
    expect(await read(answer)).toMatchObject({ erros: [{ campo: 'comerciante', mensagem: 'Campo desconhecido.' }] })
  })

  it('concurrent first reads of one day ask PostgreSQL once', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, creditos: 100n })
    const ask = await stage.askAs(comercianteId)
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/consolidado/2025-10-15')))
    const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())))
    expect(bodies.size).toBe(1)
  })
})

describe('Fluxo-Posicao', () => {
  it('the answer contains the position although an older value is cached', async () => {
    const comercianteId = oneMerchant()
    await stage.projetar({ comercianteId, creditos: 100n })
    const ask = await stage.askAs(comercianteId)
    await expect.poll(async () => source(await ask('/consolidado/2025-10-15')), WAIT).toBe('hit')
    await stage.projetar({ comercianteId, creditos: 300n })
    const answer = await ask('/consolidado/2025-10-15', { 'fluxo-posicao': '1:77', prefer: 'wait=5' })
    expect([source(answer), (await read(answer)).total_creditos]).toEqual(['bypass', 3])
    expect(answer.headers.get('preference-applied')).toBe('wait=5')
    expect(waits.at(-1)).toEqual({ particao: 1, posicao: 77, timeoutMs: 5_000 })
    await expect.poll(async () => (await read(await ask('/consolidado/2025-10-15'))).total_creditos, WAIT).toBe(3)
  })

  it('several positions are waited for at once, each in its partition, and one that is missing is 503', async () => {
    const ask = await stage.askAs(oneMerchant())
    waits.length = 0
    const headersOf = { 'fluxo-posicao': '0:100, 1:7, 0:3, pedidos:0:999', prefer: 'wait=1' }
    expect((await ask('/consolidado/2025-10-15', headersOf)).status).toBe(200)
    expect(waits).toEqual([
      { particao: 0, posicao: 100, timeoutMs: 1_000 },
      { particao: 1, posicao: 7, timeoutMs: 1_000 },
    ])
    aplicadaAte = 50
    expect((await ask('/consolidado/2025-10-15', headersOf)).status).toBe(503)
    expect((await ask('/consolidado/2025-10-15', { 'fluxo-posicao': 'pedidos:0:999' })).status).toBe(200)
    aplicadaAte = Number.POSITIVE_INFINITY
  })

  it('a position that does not arrive in time is 503 with Retry-After', async () => {
    aplicadaAte = 100
    const ask = await stage.askAs(oneMerchant())
    for (const path of ['/consolidado/2025-10-15', '/consolidado?de=2025-10-01&ate=2025-10-31']) {
      const answer = await ask(path, { 'fluxo-posicao': '0:101' })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect((await read(answer)).codigo).toBe('posicao-pendente')
    }
    aplicadaAte = Number.POSITIVE_INFINITY
  })

  it('a malformed header is 400 and named', async () => {
    const ask = await stage.askAs(oneMerchant())
    for (const headers of [
      { 'fluxo-posicao': 'x' },
      { 'fluxo-posicao': '2:1' },
      { 'fluxo-posicao': '0:1', prefer: 'wait=x' },
    ]) {
      const answer = await ask('/consolidado/2025-10-15', headers)
      const problem = await read(answer)
      expect([answer.status, problem.codigo]).toEqual([400, 'cabecalho-invalido'])
      expect(problem.detail).toContain('prefer' in headers ? 'Prefer' : 'Fluxo-Posicao')
    }
  })
})
