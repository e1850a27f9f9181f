import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { closeSql } from '@fluxo/shared/postgres/sql'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'
import { createUploads, HEADER, lines, newComerciante } from '../../test/upload.ts'
import { ROWS_OF_ONE_READ } from './export.ts'

let stage: LedgerTestApp
const { importar } = createUploads(() => stage)
beforeAll(async () => {
  stage = await createLedgerTestApp()
})
afterAll(() => stage.close())

const CSV = { headers: { accept: 'text/csv' } }

const entriesOf = (merchant: string) =>
  stage.sql`select tipo::int, valor::text, data::text, descricao, referencia from lancamentos
    where comerciante_id = ${merchant} order by descricao, referencia`

test('the file of a merchant holds all of its entries, newest first, over many reads, and imported it gives them again', async () => {
  const [merchant, to, other] = [newComerciante(), newComerciante(), newComerciante()]
  const count = ROWS_OF_ONE_READ * 2 + 1
  const difficult = '2025-10-16,DEBITO,0.05,"=1+1, ""a"";\u{1f600}",r-1\n2025-10-14,CREDITO,9999999999999.99,-x,@r\n'
  await importar(HEADER + lines(count) + difficult, { de: merchant })
  await importar(HEADER + lines(3), { de: other })
  const ask = await stage.askAs(merchant)
  const answer = await ask('/lancamentos', CSV)
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="lancamentos.csv"')
  const text = await answer.text()
  const readings: string[][] = parse(text, { record_delimiter: '\r\n' })
  expect(readings).toHaveLength(count + 3)
  expect(readings[1]).toEqual(['2025-10-16', 'DEBITO', '0.05', '=1+1, "a";\u{1f600}', 'r-1'])
  expect(readings.at(-1)).toEqual(['2025-10-14', 'CREDITO', '9999999999999.99', '-x', '@r'])
  // Two batches of an import are stored side by side: which of them is the newer one is open.
  const middle = readings.slice(2, -1).map(([, , valor]) => Number(valor))
  expect(middle.toSorted((a, b) => b - a)).toEqual(Array.from({ length: count }, (_, i) => count - i))

  expect(await importar(text, { de: to })).toMatchObject({ criados: count + 2, recusados: 0 })
  expect([...(await entriesOf(to))]).toEqual([...(await entriesOf(merchant))])
})

test('filters hold for a file, pages do not', async () => {
  const merchant = newComerciante()
  await importar(`${HEADER}2025-10-15,DEBITO,1.00,a,\n2025-10-16,CREDITO,2.00,b,\n`, { de: merchant })
  const ask = await stage.askAs(merchant)
  const text = await (await ask('/lancamentos?de=2025-10-16&tipo=CREDITO', CSV)).text()
  expect(text).toBe('data,tipo,valor,descricao,referencia\r\n2025-10-16,CREDITO,2.00,b,\r\n')
  expect(await (await ask('/lancamentos?data=2024-01-01', CSV)).text()).toBe('data,tipo,valor,descricao,referencia\r\n')
  for (const query of ['limite=10', 'cursor=x', 'formato=xls', 'de=2025-10-17&ate=2025-10-16']) {
    expect((await ask(`/lancamentos?${query}`, CSV)).status, query).toBe(422)
  }
})

test('for people: a byte order mark, semicolons, decimal commas, and no text that a spreadsheet takes for a formula', async () => {
  const merchant = newComerciante()
  await importar(`${HEADER}2025-10-15,DEBITO,1234.50,=SOMA(A1),+r\n`, { de: merchant })
  const answer = await (await stage.askAs(merchant))('/lancamentos?formato=planilha')
  expect(Buffer.from(await answer.arrayBuffer()).toString()).toBe(
    "\ufeffdata;tipo;valor;descricao;referencia\r\n15/10/2025;DEBITO;1234,50;'=SOMA(A1);'+r\r\n",
  )
})

test('a file that cannot be read to its end breaks off, and does not end as if it were whole', async () => {
  const own = await createLedgerTestApp()
  try {
    const merchant = newComerciante()
    await createUploads(() => own).importar(HEADER + lines(40_000), { de: merchant })
    const answer = await (await own.askAs(merchant))('/lancamentos', CSV)
    const reader = answer.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    await closeSql(own.reads)
    const readAll = async () => {
      while (!(await reader?.read())?.done);
    }
    await expect(readAll()).rejects.toThrow('terminated')
  } finally {
    await own.close()
  }
})

/** The answer to a request for a file, of which nothing is read. */
const withoutReading = async (where: LedgerTestApp, merchant: string): Promise<IncomingMessage> => {
  const headers = { ...CSV.headers, authorization: await where.authorizationOf(merchant) }
  const outgoing = request(`${where.url}/lancamentos`, { headers, agent: false }).end()
  const [answer]: IncomingMessage[] = await once(outgoing, 'response')
  if (answer === undefined) throw new Error('no answer')
  return answer.on('error', () => {})
}

test('a merchant gets two files at a time, others theirs, and whoever does not read gives its place back', async () => {
  const [merchant, other] = [newComerciante(), newComerciante()]
  const own = await createLedgerTestApp({ stalledMaxMs: 500 })
  try {
    // 17 MB, more than a connection holds of what nobody reads.
    const large = `2025-10-15,CREDITO,1.00,${'a'.repeat(250)},\n`.repeat(60_000)
    await createUploads(() => own).importar(HEADER + large, { de: merchant })
    const ask = await own.askAs(merchant)
    const stalled = [await withoutReading(own, merchant), await withoutReading(own, merchant)]
    const third = await ask('/lancamentos', CSV)
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await third.json()).toMatchObject({ codigo: 'arquivos-demais' })
    expect((await (await own.askAs(other))('/lancamentos', CSV)).status).toBe(200)
    await waitFor(
      async () => {
        const answer = await ask('/lancamentos', CSV)
        await answer.text()
        return answer.status === 200
      },
      { what: 'the places are free again' },
    )
    for (const stoppedAt of stalled) {
      stoppedAt.resume()
      await waitFor(() => stoppedAt.closed, { what: 'the end of the connection' })
      expect(stoppedAt.complete).toBe(false)
    }
  } finally {
    await own.close()
  }
})
