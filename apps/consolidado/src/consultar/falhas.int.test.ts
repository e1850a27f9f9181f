import { startOwnPostgres, startOwnRedis, uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'

let redis: Awaited<ReturnType<typeof startOwnRedis>>
let postgres: Awaited<ReturnType<typeof startOwnPostgres>>
let bancada: BancadaDeConsulta
const dia = '/consolidado/2025-10-15'
/** The pool finds a server that is back when it next tries: its own pace decides. */
vi.setConfig({ testTimeout: 90_000 })
const VOLTA = { timeoutMs: 40_000, timeout: 40_000 }

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startOwnRedis(), startOwnPostgres()])
  bancada = await createBancadaDeConsulta({ redis: redis.url, postgres: postgres.url() })
})
afterAll(async () => {
  await bancada.fechar()
  await Promise.all([redis.remove(), postgres.remove()])
})
beforeEach(async () => {
  await waitFor(async () => bancada.redis.status === 'ready' && (await bancada.store.disponivel()), VOLTA)
}, 60_000)

/** Ends a server until the returned function starts it again on the same port with the same data. */
const pararRedis = async () => {
  const { port, dir, remove } = redis
  await redis.stop()
  await waitFor(() => bancada.redis.status !== 'ready')
  return async () => {
    const outro = await startOwnRedis({ port, dir: `${dir}/redis` })
    redis = { ...outro, dir, remove: () => outro.remove().then(remove) }
  }
}
const pararPostgres = async () => {
  const { port, dir, remove } = postgres
  await postgres.stop()
  return async () => {
    const outro = await startOwnPostgres({ port, dataDir: `${dir}/postgres` })
    postgres = { ...outro, dir, remove: () => outro.remove().then(remove) }
  }
}

const lojaEmCache = async () => {
  const comercianteId = uniquePrefix('loja')
  await bancada.projetar({ comercianteId, creditos: 100n })
  const pedir = await bancada.como(comercianteId)
  await expect.poll(async () => (await pedir(dia)).headers.get('fluxo-cache'), VOLTA).toBe('hit')
  return { comercianteId, pedir }
}
const resumo = async (resposta: Response) => {
  const corpo = (await resposta.json()) as { total_creditos?: number; codigo?: string }
  return [resposta.status, resposta.headers.get('fluxo-cache'), corpo.total_creditos ?? corpo.codigo]
}

describe('Redis is away', () => {
  it('reads go to PostgreSQL, and come back to the cache without showing what it held before', async () => {
    const { comercianteId, pedir } = await lojaEmCache()
    const iniciar = await pararRedis()
    expect(await resumo(await pedir(dia))).toEqual([200, 'bypass', 1])
    // What the consumer would do meanwhile, by pulling: the cache cannot hear of it.
    await bancada.projetar({ comercianteId, creditos: 200n })
    expect(await resumo(await pedir(dia))).toEqual([200, 'bypass', 2])
    await iniciar()
    await waitFor(() => bancada.redis.status === 'ready')
    expect((await resumo(await pedir(dia)))[2]).toBe(2)
    await expect.poll(async () => resumo(await pedir(dia)), VOLTA).toEqual([200, 'hit', 2])
  })
})

describe('PostgreSQL is away', () => {
  it('cached days are answered and marked stale, others are 503 with Retry-After', async () => {
    const { pedir } = await lojaEmCache()
    const iniciar = await pararPostgres()
    await expect.poll(async () => resumo(await pedir(dia)), VOLTA).toEqual([200, 'stale', 1])
    for (const caminho of ['/consolidado/2025-10-16', '/consolidado?de=2025-10-01&ate=2025-10-31']) {
      const resposta = await pedir(caminho)
      expect(resposta.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(await resumo(resposta)).toEqual([503, null, 'consolidado-indisponivel'])
    }
    const espera = await pedir(dia, { 'fluxo-posicao': '0:1' })
    expect(await resumo(espera)).toEqual([503, null, 'consolidado-indisponivel'])
    await iniciar()
    await expect.poll(async () => resumo(await pedir(dia)), VOLTA).toEqual([200, 'hit', 1])
    await expect.poll(async () => (await pedir('/consolidado/2025-10-16')).status, VOLTA).toBe(200)
  })

  it('a request is told so quickly, however many come', async () => {
    const { pedir } = await lojaEmCache()
    const iniciar = await pararPostgres()
    const inicio = performance.now()
    const respostas = await Promise.all(
      Array.from({ length: 200 }, (_, i) => pedir(`/consolidado/2024-01-${String((i % 28) + 1).padStart(2, '0')}`)),
    )
    const levou = performance.now() - inicio
    // The next tests need it back, whatever this one found.
    await iniciar()
    expect(new Set(respostas.map(({ status }) => status))).toEqual(new Set([503]))
    // Two seconds on a quiet machine; each waiting for the one before it would be minutes.
    expect(levou).toBeLessThan(15_000)
  })
})

describe('both are away', () => {
  it('503 with Retry-After, and the answer again once they are back', async () => {
    const { pedir } = await lojaEmCache()
    const [iniciarRedis, iniciarPostgres] = [await pararRedis(), await pararPostgres()]
    const resposta = await pedir(dia)
    expect(resposta.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await resumo(resposta)).toEqual([503, null, 'consolidado-indisponivel'])
    await Promise.all([iniciarRedis(), iniciarPostgres()])
    await expect.poll(async () => resumo(await pedir(dia)), VOLTA).toEqual([200, 'hit', 1])
  })

  it('a cache that came back first is better than nothing: its last value, marked stale', async () => {
    const { pedir } = await lojaEmCache()
    const [iniciarRedis, iniciarPostgres] = [await pararRedis(), await pararPostgres()]
    await iniciarRedis()
    await waitFor(() => bancada.redis.status === 'ready')
    expect(await resumo(await pedir(dia))).toEqual([200, 'stale', 1])
    await iniciarPostgres()
    await expect.poll(async () => resumo(await pedir(dia)), VOLTA).toEqual([200, 'hit', 1])
  })
})
