import { receber } from '@fluxo/tests/stage/orders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../test/cluster.ts'

/** One request of a class at once, and one more a second. */
const LITTLE = {
  LIMITE_ESCRITA_POR_SEGUNDO: 1,
  LIMITE_ESCRITA_RAJADA: 1,
  LIMITE_LEITURA_POR_SEGUNDO: 1,
  LIMITE_LEITURA_RAJADA: 1,
  LIMITE_INSTANCIAS: 1,
}
/** A busy machine may take seconds for a few requests, in which as many are allowed again. */
const REQUESTS_MAX = 200

type Operation = { security: object[]; responses: Record<string, unknown> }
type OpenApiDocument = { paths: Record<string, Record<string, Operation>> }

let cluster: Cluster
let node: Instance
let operations: { method: string; path: string; operation: Operation }[]
beforeAll(async () => {
  cluster = await createCluster()
  node = await cluster.open('a', { limits: LITTLE })
  const { paths } = (await (await fetch(`${node.url}/openapi.json`)).json()) as OpenApiDocument
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
})
afterAll(() => cluster.close())

/** Asks until one answer is 429; gives it, and whether any was another. */
async function insist(ask: () => Promise<Response>): Promise<{ refusal: Response | undefined; admitted: number }> {
  for (let n = 0; n < REQUESTS_MAX; n += 1) {
    const answer = await ask()
    await answer.body?.cancel()
    if (answer.status === 429) return { refusal: answer, admitted: n }
  }
  return { refusal: undefined, admitted: REQUESTS_MAX }
}

test('every route of a merchant is limited as what it does, says so, and documents it', async () => {
  const ofComerciantes = operations.filter(
    ({ operation, path }) => operation.security.length > 0 && path.startsWith('/orders'),
  )
  expect(ofComerciantes.length).toBeGreaterThanOrEqual(11)
  for (const [i, { method, path, operation }] of ofComerciantes.entries()) {
    const ask = await node.askAs(`loja-${i}`)
    const url = path.replaceAll(/\{\w+\}/g, '01a1fbc4-ba2f-7586-87df-5a5af2a5a67c')
    const { refusal, admitted } = await insist(() => ask(url, { method }))
    const limitClass = method === 'GET' ? 'leitura' : 'escrita'
    const shown = [path, refusal?.headers.get('ratelimit-policy'), Number(refusal?.headers.get('retry-after')) >= 1]
    expect([...shown, admitted > 0, '429' in operation.responses]).toEqual([
      path,
      `"${limitClass}";q=1;w=1`,
      true,
      true,
      true,
    ])
  }
})

test('a merchant that spent its writes still reads, and no other merchant waits for it', async () => {
  const noisy = await node.askAs('ruidosa')
  const { refusal } = await insist(() => noisy('/orders', { method: 'POST' }))
  expect(refusal?.status).toBe(429)
  expect((await noisy('/orders')).status).toBe(200)
  const calm = await node.askAs('calma')
  expect((await calm('/orders', { method: 'POST' })).status).not.toBe(429)
})

test('a public page is limited by itself: its neighbours open, and what its merchant may ask is not touched', async () => {
  const openPage = async (comerciante: string) => {
    const pedido = await receber(await node.askAs(comerciante))
    // A merchant of one write at a time needs a moment for the second.
    let opened: Response
    do {
      opened = await (await node.askAs(comerciante))(`/orders/${pedido}/tracking`, { method: 'POST' })
    } while (opened.status === 429)
    return `${node.url}${((await opened.json()) as { url: string }).url}`
  }
  const full = await openPage('loja-cheia')
  const other = await openPage('loja-outra')
  const answers = await Promise.all(
    Array.from({ length: 600 }, async () => {
      const answer = await fetch(full)
      await answer.body?.cancel()
      return answer
    }),
  )
  const byStatus = Map.groupBy(answers, ({ status }) => status)
  expect(new Set(byStatus.keys())).toEqual(new Set([200, 429]))
  const [refused] = byStatus.get(429) ?? []
  expect(refused?.headers.get('ratelimit-policy')).toBe('"rastreio";q=100;w=5')
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect((await fetch(other)).status).toBe(200)
  const ask = await node.askAs('loja-cheia')
  expect((await ask('/orders')).status).toBe(200)
})
