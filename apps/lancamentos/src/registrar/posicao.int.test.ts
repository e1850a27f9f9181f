import { particaoOf } from '@fluxo/shared/log/particao-of'
import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'

const PARTICOES = 2
let stage: LedgerTestApp
beforeAll(async () => {
  stage = await createLedgerTestApp({ particoes: PARTICOES })
})
afterAll(() => stage?.close())

const ENTRY = { valor: '10.00', tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15' }
const csv = (lines: readonly string[]): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/csv' },
  body: ['data,tipo,valor,descricao,referencia', ...lines].join('\n'),
})
const posicao = (answer: Response) => [answer.status, answer.headers.get('fluxo-posicao')]

/** Where the merchant's newest entry stands, as the ledger itself says. */
const ultima = async (comercianteId: string): Promise<string> => {
  const [line] = await stage.sql<{ particao: number; posicao: number }[]>`
    select particao::int, posicao::int from lancamentos where comerciante_id = ${comercianteId} order by posicao desc limit 1`
  expect(line?.particao).toBe(particaoOf(comercianteId, PARTICOES))
  return `${line?.particao}:${line?.posicao}`
}

// Of two merchants that share no partition, so that no test passes because every partition is 0.
const MERCHANTS = ['loja-a', 'loja-b', 'loja-c', 'loja-d', 'loja-e']
const two = [0, 1].map(
  (particao) => MERCHANTS.find((merchant) => particaoOf(merchant, PARTICOES) === particao) ?? 'none',
)

test.each(two)('every answer that wrote says where its last entry stands: %s', async (merchant) => {
  const ask = await stage.askAs(merchant)

  const one = await ask('/lancamentos', json(ENTRY, { 'idempotency-key': 'k-1' }))
  expect(posicao(one)).toEqual([201, await ultima(merchant)])

  const { id } = (await one.json()) as { id: string }
  expect(posicao(await ask(`/lancamentos/${id}/estorno`, { method: 'POST' }))).toEqual([201, await ultima(merchant)])

  for (const query of ['', '?atomico=true']) {
    const lote = await ask(`/lancamentos/lote${query}`, json([ENTRY, ENTRY, ENTRY]))
    expect(posicao(lote)).toEqual([200, await ultima(merchant)])
  }

  const file = await ask('/lancamentos/importacoes', csv(['2025-10-15,CREDITO,1.00,a,', '2025-10-16,DEBITO,2.00,b,']))
  expect(posicao(file)).toEqual([200, await ultima(merchant)])
})

test('what is sent again answers with the place of then, and what is refused with none', async () => {
  const ask = await stage.askAs('de-novo')
  const chave = { 'idempotency-key': 'k-1' }
  const referred = { ...ENTRY, referencia: 'r-1' }
  const lines = ['2025-10-15,CREDITO,1.00,a,r-2', '2025-10-16,DEBITO,2.00,b,']
  const sends = [
    () => ask('/lancamentos', json(ENTRY, chave)),
    () => ask('/lancamentos/lote', json([ENTRY, referred], chave)),
    () => ask('/lancamentos/lote?atomico=true', json([ENTRY, referred], { 'idempotency-key': 'k-2' })),
    () => ask('/lancamentos/importacoes', csv(lines)),
  ]
  const first = []
  for (const send of sends) first.push(posicao(await send()))
  expect(await ask('/lancamentos', json(ENTRY)).then(({ status }) => status)).toBe(201)
  for (const [i, send] of sends.entries()) expect(posicao(await send())).toEqual(first[i])

  const refused = [
    await ask(
      '/lancamentos/lote',
      json([
        { ...referred, valor: '11.00' },
        { ...ENTRY, valor: 'x' },
      ]),
    ),
    await ask('/lancamentos/importacoes', csv(['2025-10-15,CREDITO,7.00,a,r-2', 'x,y,z,w,'])),
  ]
  expect(refused.map(posicao)).toEqual([
    [200, null],
    [200, null],
  ])
})
