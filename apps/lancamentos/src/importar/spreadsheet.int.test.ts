import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'
import { createUploads, newComerciante } from '../../test/upload.ts'

let stage: LedgerTestApp
const { importar } = createUploads(() => stage)
beforeAll(async () => {
  stage = await createLedgerTestApp()
})
afterAll(() => stage.close())

const stored = (merchant: string) =>
  stage.sql`select descricao, valor::int as valor, tipo::int as tipo, data::text as data, referencia
    from lancamentos where comerciante_id = ${merchant} order by posicao`

/** Saved by LibreOffice 7.4 in Brazilian settings: `;`, windows-1252, dd/mm/aaaa, `R$ 50,00`, two empty columns and two empty rows. */
const SPREADSHEET = new URL('../../../../docs/examples/caixa.csv', import.meta.url)
const EXPECTED_ENTRIES = [
  { data: '2025-10-01', tipo: 1, valor: 5_000, descricao: 'Venda balcão', referencia: null },
  { data: '2025-10-01', tipo: -1, valor: 1_250, descricao: 'Café e pão', referencia: null },
  { data: '2025-10-02', tipo: 1, valor: 123_456, descricao: 'Nota fiscal; série 1', referencia: 'NF-101' },
  { data: '2025-10-02', tipo: 1, valor: 150_000, descricao: 'Aluguel do salão de "festas"', referencia: 'NF-102' },
  { data: '2025-10-03', tipo: -1, valor: 90, descricao: 'Tarifa bancária', referencia: null },
]

test('a file that a Brazilian spreadsheet saved is taken as it is, and creates nothing twice', async () => {
  const file = await readFile(SPREADSHEET)
  const merchant = newComerciante()
  const total = { linhas: 5, recusados: 0, erros: [] }
  expect(await importar(file, { de: merchant })).toEqual({ ...total, criados: 5, repetidos: 0 })
  expect([...(await stored(merchant))]).toEqual(EXPECTED_ENTRIES)
  expect(await importar(file, { de: merchant })).toEqual({ ...total, criados: 0, repetidos: 5 })
})

test('the same file with a byte order mark, in UTF-8, or with commas, gives the same entries', async () => {
  const text = new TextDecoder('windows-1252').decode(await readFile(SPREADSHEET))
  const withCommas = text
    .replaceAll(/R\$ [\d.,]+/g, '"$&"')
    .replace('"Nota fiscal; série 1"', 'Nota fiscal@ série 1')
    .replaceAll(';', ',')
    .replace('@', ';')
  for (const body of [text, `\ufeff${text}`, withCommas, `sep=;\r\n${text}`]) {
    const merchant = newComerciante()
    expect(await importar(Buffer.from(body), { de: merchant })).toMatchObject({ criados: 5, recusados: 0 })
    expect([...(await stored(merchant))]).toEqual(EXPECTED_ENTRIES)
  }
})

test('Excel leaves out the separators of optional columns that are empty; a line that the end of the file cuts is refused', async () => {
  const whole = 'data;tipo;valor;descricao;referencia\r\n01/10/2025;Crédito;50,00;Venda\r\n'
  expect(await importar(whole)).toMatchObject({ criados: 1, recusados: 0 })
  expect(await importar(`${whole}01/10/2025;Crédito;50,00;Ven`)).toMatchObject({
    criados: 1,
    erros: [{ linha: 3, coluna: null, motivo: 'Esperados 5 campos, encontrados 4.' }],
  })
  expect(await importar(`${whole}01/10/2025;Crédito;50,00\r\n`)).toMatchObject({ criados: 1, recusados: 1 })
})

test('the report repeats the value that it refused, cut short', async () => {
  const long = 'x'.repeat(300)
  const { erros: errors } = await importar(
    `data;tipo;valor;descricao\n31/02/2025;Entrada;US$ 5;${long}\n2025-10-15;Crédito;1.234;Venda;a mais\n`,
  )
  expect(errors).toEqual([
    { linha: 2, coluna: 'data', valor: '31/02/2025', motivo: expect.stringContaining('15/10/2025') },
    { linha: 2, coluna: 'tipo', valor: 'Entrada', motivo: 'Deve ser CREDITO ou DEBITO.' },
    { linha: 2, coluna: 'valor', valor: 'US$ 5', motivo: expect.stringContaining('R$ 1.234,56') },
    { linha: 2, coluna: 'descricao', valor: `${'x'.repeat(80)}…`, motivo: 'Deve ter no máximo 255 caracteres.' },
    { linha: 3, coluna: null, motivo: expect.stringContaining('Esperados 4 campos, encontrados 5.') },
  ])
})
