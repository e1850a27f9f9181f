import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { closeSql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bancada, createBancada } from '../../test/bancada.ts'
import { CABECALHO, createEnvio, linhas, novoComerciante } from '../../test/envio.ts'
import { LINHAS_POR_LEITURA } from './exportar.ts'

let bancada: Bancada
const { importar } = createEnvio(() => bancada)
beforeAll(async () => {
  bancada = await createBancada()
})
afterAll(() => bancada.fechar())

const CSV = { headers: { accept: 'text/csv' } }

const somado = (de: string) =>
  bancada.sql`select tipo::int, valor::text, data::text, descricao, referencia from lancamentos
    where comerciante_id = ${de} order by descricao, referencia`

test('the file of a merchant holds all of its entries, newest first, over many reads, and imported it gives them again', async () => {
  const [de, para, outra] = [novoComerciante(), novoComerciante(), novoComerciante()]
  const quantas = LINHAS_POR_LEITURA * 2 + 1
  const dificeis = '2025-10-16,DEBITO,0.05,"=1+1, ""a"";\u{1f600}",r-1\n2025-10-14,CREDITO,9999999999999.99,-x,@r\n'
  await importar(CABECALHO + linhas(quantas) + dificeis, { de })
  await importar(CABECALHO + linhas(3), { de: outra })
  const pedir = await bancada.como(de)
  const resposta = await pedir('/lancamentos', CSV)
  expect(resposta.headers.get('content-disposition')).toBe('attachment; filename="lancamentos.csv"')
  const texto = await resposta.text()
  const lidos: string[][] = parse(texto, { record_delimiter: '\r\n' })
  expect(lidos).toHaveLength(quantas + 3)
  expect(lidos[1]).toEqual(['2025-10-16', 'DEBITO', '0.05', '=1+1, "a";\u{1f600}', 'r-1'])
  expect(lidos.at(-1)).toEqual(['2025-10-14', 'CREDITO', '9999999999999.99', '-x', '@r'])
  // Two batches of an import are stored side by side: which of them is the newer one is open.
  const doMeio = lidos.slice(2, -1).map(([, , valor]) => Number(valor))
  expect(doMeio.toSorted((a, b) => b - a)).toEqual(Array.from({ length: quantas }, (_, i) => quantas - i))

  expect(await importar(texto, { de: para })).toMatchObject({ criados: quantas + 2, recusados: 0 })
  expect([...(await somado(para))]).toEqual([...(await somado(de))])
})

test('filters hold for a file, pages do not', async () => {
  const de = novoComerciante()
  await importar(`${CABECALHO}2025-10-15,DEBITO,1.00,a,\n2025-10-16,CREDITO,2.00,b,\n`, { de })
  const pedir = await bancada.como(de)
  const texto = await (await pedir('/lancamentos?de=2025-10-16&tipo=CREDITO', CSV)).text()
  expect(texto).toBe('data,tipo,valor,descricao,referencia\r\n2025-10-16,CREDITO,2.00,b,\r\n')
  expect(await (await pedir('/lancamentos?data=2024-01-01', CSV)).text()).toBe(
    'data,tipo,valor,descricao,referencia\r\n',
  )
  for (const consulta of ['limite=10', 'cursor=x', 'formato=xls', 'de=2025-10-17&ate=2025-10-16']) {
    expect((await pedir(`/lancamentos?${consulta}`, CSV)).status, consulta).toBe(422)
  }
})

test('for people: a byte order mark, semicolons, decimal commas, and no text that a spreadsheet takes for a formula', async () => {
  const de = novoComerciante()
  await importar(`${CABECALHO}2025-10-15,DEBITO,1234.50,=SOMA(A1),+r\n`, { de })
  const resposta = await (await bancada.como(de))('/lancamentos?formato=planilha')
  expect(Buffer.from(await resposta.arrayBuffer()).toString()).toBe(
    "\ufeffdata;tipo;valor;descricao;referencia\r\n15/10/2025;DEBITO;1234,50;'=SOMA(A1);'+r\r\n",
  )
})

test('a file that cannot be read to its end breaks off, and does not end as if it were whole', async () => {
  const propria = await createBancada()
  try {
    const de = novoComerciante()
    await createEnvio(() => propria).importar(CABECALHO + linhas(40_000), { de })
    const resposta = await (await propria.como(de))('/lancamentos', CSV)
    const leitor = resposta.body?.getReader()
    expect((await leitor?.read())?.done).toBe(false)
    await closeSql(propria.leituras)
    const lerTudo = async () => {
      while (!(await leitor?.read())?.done);
    }
    await expect(lerTudo()).rejects.toThrow('terminated')
  } finally {
    await propria.fechar()
  }
})

/** The answer to a request for a file, of which nothing is read. */
const semLer = async (onde: Bancada, de: string): Promise<IncomingMessage> => {
  const headers = { ...CSV.headers, authorization: await onde.autorizacao(de) }
  const pedido = request(`${onde.url}/lancamentos`, { headers, agent: false }).end()
  const [resposta]: IncomingMessage[] = await once(pedido, 'response')
  if (resposta === undefined) throw new Error('no answer')
  return resposta.on('error', () => {})
}

test('a merchant gets two files at a time, others theirs, and whoever does not read gives its place back', async () => {
  const [de, outra] = [novoComerciante(), novoComerciante()]
  const propria = await createBancada({ paradoMaxMs: 500 })
  try {
    // 17 MB, more than a connection holds of what nobody reads.
    const grande = `2025-10-15,CREDITO,1.00,${'a'.repeat(250)},\n`.repeat(60_000)
    await createEnvio(() => propria).importar(CABECALHO + grande, { de })
    const pedir = await propria.como(de)
    const paradas = [await semLer(propria, de), await semLer(propria, de)]
    const terceira = await pedir('/lancamentos', CSV)
    expect([terceira.status, terceira.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await terceira.json()).toMatchObject({ codigo: 'arquivos-demais' })
    expect((await (await propria.como(outra))('/lancamentos', CSV)).status).toBe(200)
    await waitFor(
      async () => {
        const resposta = await pedir('/lancamentos', CSV)
        await resposta.text()
        return resposta.status === 200
      },
      { what: 'the places are free again' },
    )
    for (const parada of paradas) {
      parada.resume()
      await waitFor(() => parada.closed, { what: 'the end of the connection' })
      expect(parada.complete).toBe(false)
    }
  } finally {
    await propria.fechar()
  }
})
