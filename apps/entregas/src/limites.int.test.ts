import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Casa, createCasa, type Instancia, receber } from '../test/casa.ts'

/** One request of a class at once, and one more a second. */
const POUCO = {
  LIMITE_ESCRITA_POR_SEGUNDO: 1,
  LIMITE_ESCRITA_RAJADA: 1,
  LIMITE_LEITURA_POR_SEGUNDO: 1,
  LIMITE_LEITURA_RAJADA: 1,
  LIMITE_INSTANCIAS: 1,
}
/** A busy machine may take seconds for a few requests, in which as many are allowed again. */
const PEDIDOS_MAX = 200

type Operacao = { security: object[]; responses: Record<string, unknown> }
type Documento = { paths: Record<string, Record<string, Operacao>> }

let casa: Casa
let uma: Instancia
let operacoes: { method: string; path: string; operacao: Operacao }[]
beforeAll(async () => {
  casa = await createCasa()
  uma = await casa.abrir('a', undefined, POUCO)
  const { paths } = (await (await fetch(`${uma.url}/openapi.json`)).json()) as Documento
  operacoes = Object.entries(paths).flatMap(([path, metodos]) =>
    Object.entries(metodos).map(([method, operacao]) => ({ method: method.toUpperCase(), path, operacao })),
  )
})
afterAll(() => casa.fechar())

/** Asks until one answer is 429; gives it, and whether any was another. */
async function insistir(pedir: () => Promise<Response>): Promise<{ recusa: Response | undefined; admitidas: number }> {
  for (let n = 0; n < PEDIDOS_MAX; n += 1) {
    const resposta = await pedir()
    await resposta.body?.cancel()
    if (resposta.status === 429) return { recusa: resposta, admitidas: n }
  }
  return { recusa: undefined, admitidas: PEDIDOS_MAX }
}

test('every route of a merchant is limited as what it does, says so, and documents it', async () => {
  const deComerciantes = operacoes.filter(
    ({ operacao, path }) => operacao.security.length > 0 && /^\/(orders|webhooks)/.test(path),
  )
  expect(deComerciantes.length).toBeGreaterThanOrEqual(18)
  for (const [i, { method, path, operacao }] of deComerciantes.entries()) {
    const pedir = await uma.como(`loja-${i}`)
    const url = path.replaceAll(/\{\w+\}/g, '01a1fbc4-ba2f-7586-87df-5a5af2a5a67c')
    const { recusa, admitidas } = await insistir(() => pedir(url, { method }))
    const classe = method === 'GET' ? 'leitura' : 'escrita'
    const vista = [path, recusa?.headers.get('ratelimit-policy'), Number(recusa?.headers.get('retry-after')) >= 1]
    expect([...vista, admitidas > 0, '429' in operacao.responses]).toEqual([
      path,
      `"${classe}";q=1;w=1`,
      true,
      true,
      true,
    ])
  }
})

test('a merchant that spent its writes still reads, and no other merchant waits for it', async () => {
  const ruidosa = await uma.como('ruidosa')
  const { recusa } = await insistir(() => ruidosa('/orders', { method: 'POST' }))
  expect(recusa?.status).toBe(429)
  expect((await ruidosa('/orders')).status).toBe(200)
  const calma = await uma.como('calma')
  expect((await calma('/orders', { method: 'POST' })).status).not.toBe(429)
})

test('a public page is limited by itself: its neighbours open, and what its merchant may ask is not touched', async () => {
  const abrirPagina = async (loja: string) => {
    const pedido = await receber(await uma.como(loja))
    // A merchant of one write at a time needs a moment for the second.
    let aberta: Response
    do {
      aberta = await (await uma.como(loja))(`/orders/${pedido}/tracking`, { method: 'POST' })
    } while (aberta.status === 429)
    return `${uma.url}${((await aberta.json()) as { url: string }).url}`
  }
  const cheia = await abrirPagina('loja-cheia')
  const outra = await abrirPagina('loja-outra')
  const respostas = await Promise.all(
    Array.from({ length: 600 }, async () => {
      const resposta = await fetch(cheia)
      await resposta.body?.cancel()
      return resposta
    }),
  )
  const porStatus = Map.groupBy(respostas, ({ status }) => status)
  expect(new Set(porStatus.keys())).toEqual(new Set([200, 429]))
  const [recusada] = porStatus.get(429) ?? []
  expect(recusada?.headers.get('ratelimit-policy')).toBe('"rastreio";q=100;w=5')
  expect(Number(recusada?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect((await fetch(outra)).status).toBe(200)
  const pedir = await uma.como('loja-cheia')
  expect((await pedir('/orders')).status).toBe(200)
})
