import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'
import { createUploads, HEADER, line, lines, newComerciante } from '../../test/upload.ts'

let stage: LedgerTestApp
const { importar, openUpload: open, count } = createUploads(() => stage)
beforeAll(async () => {
  stage = await createLedgerTestApp()
})
afterAll(() => stage.close())

const stored = (merchant: string) =>
  stage.sql`select descricao, valor::text as valor, tipo::int as tipo, data::text as data, referencia
    from lancamentos where comerciante_id = ${merchant} order by posicao`

test('columns in any order, both separators, both decimal marks and both encodings give the same entries', async () => {
  const expected = [{ descricao: 'Pão; "quente"', valor: '123456', tipo: -1, data: '2025-10-15', referencia: 'é-1' }]
  const comma = 'Referência,valor,data,tipo,descrição\né-1,1234.56,2025-10-15,DEBITO,"Pão; ""quente"""\n'
  const semicolon = 'referencia;valor;data;tipo;descricao\r\né-1;1.234,56;2025-10-15;DEBITO;"Pão; ""quente"""\r\n'
  for (const body of [
    Buffer.from(comma),
    Buffer.from(comma, 'latin1'),
    Buffer.from(`\ufeff${semicolon}`),
    Buffer.from(semicolon, 'latin1'),
  ]) {
    const merchant = newComerciante()
    expect(await importar(body, { de: merchant })).toEqual({
      linhas: 1,
      criados: 1,
      repetidos: 0,
      recusados: 0,
      erros: [],
    })
    expect([...(await stored(merchant))]).toEqual(expected)
  }
  const merchant = newComerciante()
  await importar(Buffer.from(comma, 'latin1'), { de: merchant, contentType: 'text/csv; charset=ISO-8859-1' })
  expect([...(await stored(merchant))]).toEqual(expected)
})

describe('a file that is sent twice', () => {
  const file = HEADER + lines(1_700) + line(1) + line(1) + line(2, 'r-1') + line(3, 'r-2')

  test('creates nothing twice, and two equal lines are two entries', async () => {
    const merchant = newComerciante()
    const total = { linhas: 1_704, recusados: 0 }
    expect(await importar(file, { de: merchant })).toMatchObject({ ...total, criados: 1_704, repetidos: 0 })
    expect(await importar(file, { de: merchant })).toMatchObject({ ...total, criados: 0, repetidos: 1_704 })
    expect(await count(merchant)).toBe(1_704)
  })

  test('with one line corrected creates that line', async () => {
    const wrong = file.replace(line(900), '2025-10-15,CREDITO,9OO,Venda 900,\n')
    const merchant = newComerciante()
    const first = await importar(wrong, { de: merchant })
    expect(first).toMatchObject({ criados: 1_703, recusados: 1, erros: [{ linha: 901, coluna: 'valor' }] })
    expect(await importar(file, { de: merchant })).toMatchObject({ criados: 1, repetidos: 1_703, recusados: 0 })
  })

  test('by two senders at once creates nothing twice', async () => {
    const merchant = newComerciante()
    const reports = await Promise.all([importar(file, { de: merchant }), importar(file, { de: merchant })])
    expect(reports.reduce((sum, { criados: created }) => sum + created, 0)).toBe(1_704)
    expect(reports.every(({ recusados: refused }) => refused === 0)).toBe(true)
    expect(await count(merchant)).toBe(1_704)
  })

  test('after the first upload broke off: nothing is lost, and the rest goes in', async () => {
    const merchant = newComerciante()
    await interrupt(HEADER + lines(1_234).slice(0, -20), merchant)
    await waitFor(async () => (await count(merchant)) === 1_233, { what: 'what arrived is stored' })
    expect(await importar(file, { de: merchant })).toMatchObject({
      linhas: 1_704,
      criados: 1_704 - 1_233,
      repetidos: 1_233,
    })
  })
})

/** Resets the connection of an upload once the server has stored some of it. */
const interrupt = async (startedAt: string, merchant: string): Promise<void> => {
  const req = await open(merchant, startedAt)
  await waitFor(async () => (await count(merchant)) >= 1_000, { what: 'the first batches are stored' })
  req.destroy()
}

test('broken lines are reported with the line where they start, and the others go in', async () => {
  const file = [
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
  const merchant = newComerciante()
  const { erros: errors, ...total } = await importar(file, { de: merchant })
  expect(total).toEqual({ linhas: 6, criados: 1, repetidos: 0, recusados: 5 })
  expect(errors.map(({ linha: line, coluna: column }) => [line, column])).toEqual([
    [2, 'descricao'],
    [4, 'data'],
    [6, null],
    [7, null],
    [8, null],
  ])
  expect(await stored(merchant)).toMatchObject([{ descricao: 'boa' }])
})

test('a referencia with another content is refused and names the entry in the way', async () => {
  const merchant = newComerciante()
  await importar(HEADER + line(1, 'r-1'), { de: merchant })
  const report = await importar(HEADER + line(2, 'r-1') + line(1, 'r-1'), { de: merchant })
  expect(report).toMatchObject({
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
  const file = await readFile(REAL)
  const total = { linhas: 16_735, recusados: 0, erros: [] }
  const merchant = newComerciante()
  expect(await importar(file, { de: merchant })).toEqual({ ...total, criados: 16_735, repetidos: 0 })
  expect(await importar(file, { de: merchant })).toEqual({ ...total, criados: 0, repetidos: 16_735 })
  const cents = file
    .toString()
    .trimEnd()
    .split('\n')
    .slice(1)
    .reduce((sum, text) => sum + BigInt(Math.round(Number(text.split(',')[2]) * 100)), 0n)
  const [sum] = await stage.sql`select sum(valor)::text as centavos from lancamentos where comerciante_id = ${merchant}`
  expect(sum?.['centavos']).toBe(String(cents))
})
