import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada } from '../../test/bancada.ts'
import { CABECALHO, createEnvio, linha, linhas, novoComerciante } from '../../test/envio.ts'

let bancada: Bancada
const { importar, abrir, contar } = createEnvio(() => bancada)
beforeAll(async () => {
  bancada = await createBancada()
})
afterAll(() => bancada.fechar())

const gravados = (de: string) =>
  bancada.sql`select descricao, valor::text as valor, tipo::int as tipo, data::text as data, referencia
    from lancamentos where comerciante_id = ${de} order by posicao`

test('columns in any order, both separators, both decimal marks and both encodings give the same entries', async () => {
  const esperado = [{ descricao: 'Pão; "quente"', valor: '123456', tipo: -1, data: '2025-10-15', referencia: 'é-1' }]
  const virgula = 'Referência,valor,data,tipo,descrição\né-1,1234.56,2025-10-15,DEBITO,"Pão; ""quente"""\n'
  const pontoEVirgula = 'referencia;valor;data;tipo;descricao\r\né-1;1.234,56;2025-10-15;DEBITO;"Pão; ""quente"""\r\n'
  for (const corpo of [
    Buffer.from(virgula),
    Buffer.from(virgula, 'latin1'),
    Buffer.from(`\ufeff${pontoEVirgula}`),
    Buffer.from(pontoEVirgula, 'latin1'),
  ]) {
    const de = novoComerciante()
    expect(await importar(corpo, { de })).toEqual({ linhas: 1, criados: 1, repetidos: 0, recusados: 0, erros: [] })
    expect([...(await gravados(de))]).toEqual(esperado)
  }
  const de = novoComerciante()
  await importar(Buffer.from(virgula, 'latin1'), { de, contentType: 'text/csv; charset=ISO-8859-1' })
  expect([...(await gravados(de))]).toEqual(esperado)
})

describe('a file that is sent twice', () => {
  const arquivo = CABECALHO + linhas(1_700) + linha(1) + linha(1) + linha(2, 'r-1') + linha(3, 'r-2')

  test('creates nothing twice, and two equal lines are two entries', async () => {
    const de = novoComerciante()
    const total = { linhas: 1_704, recusados: 0 }
    expect(await importar(arquivo, { de })).toMatchObject({ ...total, criados: 1_704, repetidos: 0 })
    expect(await importar(arquivo, { de })).toMatchObject({ ...total, criados: 0, repetidos: 1_704 })
    expect(await contar(de)).toBe(1_704)
  })

  test('with one line corrected creates that line', async () => {
    const errado = arquivo.replace(linha(900), '2025-10-15,CREDITO,9OO,Venda 900,\n')
    const de = novoComerciante()
    const primeira = await importar(errado, { de })
    expect(primeira).toMatchObject({ criados: 1_703, recusados: 1, erros: [{ linha: 901, coluna: 'valor' }] })
    expect(await importar(arquivo, { de })).toMatchObject({ criados: 1, repetidos: 1_703, recusados: 0 })
  })

  test('by two senders at once creates nothing twice', async () => {
    const de = novoComerciante()
    const relatorios = await Promise.all([importar(arquivo, { de }), importar(arquivo, { de })])
    expect(relatorios.reduce((soma, { criados }) => soma + criados, 0)).toBe(1_704)
    expect(relatorios.every(({ recusados }) => recusados === 0)).toBe(true)
    expect(await contar(de)).toBe(1_704)
  })

  test('after the first upload broke off: nothing is lost, and the rest goes in', async () => {
    const de = novoComerciante()
    await interromper(CABECALHO + linhas(1_234).slice(0, -20), de)
    await waitFor(async () => (await contar(de)) === 1_233, { what: 'what arrived is stored' })
    expect(await importar(arquivo, { de })).toMatchObject({ linhas: 1_704, criados: 1_704 - 1_233, repetidos: 1_233 })
  })
})

/** Resets the connection of an upload once the server has stored some of it. */
const interromper = async (inicio: string, de: string): Promise<void> => {
  const req = await abrir(de, inicio)
  await waitFor(async () => (await contar(de)) >= 1_000, { what: 'the first batches are stored' })
  req.destroy()
}

test('broken lines are reported with the line where they start, and the others go in', async () => {
  const arquivo = [
    'data,tipo,valor,descricao',
    '2025-10-15,CREDITO,1.00,"duas',
    'linhas"',
    '2025-02-30,CREDITO,1.00,dia',
    '',
    '2025-10-15,CREDITO,1.00',
    '2025-10-15,CREDITO,1.00,"não fecha',
    '2025-10-15,CREDITO,2.00,"depois" das aspas',
    '2025-10-15,CREDITO,3.00,boa',
  ].join('\n')
  const de = novoComerciante()
  const { erros, ...total } = await importar(arquivo, { de })
  expect(total).toEqual({ linhas: 6, criados: 1, repetidos: 0, recusados: 5 })
  expect(erros.map(({ linha, coluna }) => [linha, coluna])).toEqual([
    [2, 'descricao'],
    [4, 'data'],
    [6, null],
    [7, null],
    [8, null],
  ])
  expect(await gravados(de)).toMatchObject([{ descricao: 'boa' }])
})

test('a referencia with another content is refused and names the entry in the way', async () => {
  const de = novoComerciante()
  await importar(CABECALHO + linha(1, 'r-1'), { de })
  const relatorio = await importar(CABECALHO + linha(2, 'r-1') + linha(1, 'r-1'), { de })
  expect(relatorio).toMatchObject({
    criados: 0,
    repetidos: 1,
    recusados: 1,
    erros: [{ linha: 2, coluna: 'referencia' }],
  })
})

/** Real payments of a shop, outside of the repository; `OLIST_CSV` names another copy. */
const REAL =
  process.env['OLIST_CSV'] ?? new URL('../../../../../shared/data/olist/lancamentos.csv', import.meta.url).pathname

test.runIf(existsSync(REAL))('the real file: 16 735 criados, then 16 735 repetidos, to the cent', async () => {
  const arquivo = await readFile(REAL)
  const total = { linhas: 16_735, recusados: 0, erros: [] }
  const de = novoComerciante()
  expect(await importar(arquivo, { de })).toEqual({ ...total, criados: 16_735, repetidos: 0 })
  expect(await importar(arquivo, { de })).toEqual({ ...total, criados: 0, repetidos: 16_735 })
  const centavos = arquivo
    .toString()
    .trimEnd()
    .split('\n')
    .slice(1)
    .reduce((soma, texto) => soma + BigInt(Math.round(Number(texto.split(',')[2]) * 100)), 0n)
  const [soma] = await bancada.sql`select sum(valor)::text as centavos from lancamentos where comerciante_id = ${de}`
  expect(soma?.['centavos']).toBe(String(centavos))
})
