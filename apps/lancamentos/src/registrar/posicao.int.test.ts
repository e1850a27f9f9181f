import { particaoDe } from '@fluxo/shared/log/particao'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bancada, createBancada, json } from '../../test/bancada.ts'

const PARTICOES = 2
let bancada: Bancada
beforeAll(async () => {
  bancada = await createBancada({ particoes: PARTICOES })
})
afterAll(() => bancada?.fechar())

const ENTRADA = { valor: '10.00', tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15' }
const csv = (linhas: readonly string[]): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/csv' },
  body: ['data,tipo,valor,descricao,referencia', ...linhas].join('\n'),
})
const posicao = (resposta: Response) => [resposta.status, resposta.headers.get('fluxo-posicao')]

/** Where the merchant's newest entry stands, as the ledger itself says. */
const ultima = async (comercianteId: string): Promise<string> => {
  const [linha] = await bancada.sql<{ particao: number; posicao: number }[]>`
    select particao::int, posicao::int from lancamentos where comerciante_id = ${comercianteId} order by posicao desc limit 1`
  expect(linha?.particao).toBe(particaoDe(comercianteId, PARTICOES))
  return `${linha?.particao}:${linha?.posicao}`
}

// Of two merchants that share no partition, so that no test passes because every partition is 0.
const LOJAS = ['loja-a', 'loja-b', 'loja-c', 'loja-d', 'loja-e']
const duas = [0, 1].map((particao) => LOJAS.find((loja) => particaoDe(loja, PARTICOES) === particao) ?? 'none')

test.each(duas)('every answer that wrote says where its last entry stands: %s', async (loja) => {
  const pedir = await bancada.como(loja)

  const um = await pedir('/lancamentos', json(ENTRADA, { 'idempotency-key': 'k-1' }))
  expect(posicao(um)).toEqual([201, await ultima(loja)])

  const { id } = (await um.json()) as { id: string }
  expect(posicao(await pedir(`/lancamentos/${id}/estorno`, { method: 'POST' }))).toEqual([201, await ultima(loja)])

  for (const query of ['', '?atomico=true']) {
    const lote = await pedir(`/lancamentos/lote${query}`, json([ENTRADA, ENTRADA, ENTRADA]))
    expect(posicao(lote)).toEqual([200, await ultima(loja)])
  }

  const arquivo = await pedir(
    '/lancamentos/importacoes',
    csv(['2025-10-15,CREDITO,1.00,a,', '2025-10-16,DEBITO,2.00,b,']),
  )
  expect(posicao(arquivo)).toEqual([200, await ultima(loja)])
})

test('what is sent again answers with the place of then, and what is refused with none', async () => {
  const pedir = await bancada.como('de-novo')
  const chave = { 'idempotency-key': 'k-1' }
  const referida = { ...ENTRADA, referencia: 'r-1' }
  const linhas = ['2025-10-15,CREDITO,1.00,a,r-2', '2025-10-16,DEBITO,2.00,b,']
  const envios = [
    () => pedir('/lancamentos', json(ENTRADA, chave)),
    () => pedir('/lancamentos/lote', json([ENTRADA, referida], chave)),
    () => pedir('/lancamentos/lote?atomico=true', json([ENTRADA, referida], { 'idempotency-key': 'k-2' })),
    () => pedir('/lancamentos/importacoes', csv(linhas)),
  ]
  const primeiras = []
  for (const enviar of envios) primeiras.push(posicao(await enviar()))
  expect(await pedir('/lancamentos', json(ENTRADA)).then(({ status }) => status)).toBe(201)
  for (const [i, enviar] of envios.entries()) expect(posicao(await enviar())).toEqual(primeiras[i])

  const recusados = [
    await pedir(
      '/lancamentos/lote',
      json([
        { ...referida, valor: '11.00' },
        { ...ENTRADA, valor: 'x' },
      ]),
    ),
    await pedir('/lancamentos/importacoes', csv(['2025-10-15,CREDITO,7.00,a,r-2', 'x,y,z,w,'])),
  ]
  expect(recusados.map(posicao)).toEqual([
    [200, null],
    [200, null],
  ])
})
