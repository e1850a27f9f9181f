import { Readable } from 'node:stream'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'
import { createUploads, HEADER, line, lines, newComerciante } from '../../test/upload.ts'

let stage: LedgerTestApp
const { send, importar, openUpload: open, count } = createUploads(() => stage)
beforeAll(async () => {
  stage = await createLedgerTestApp()
})
afterAll(() => stage.close())

describe('a form', () => {
  const formOf = (name: string, content: string): FormData => {
    const form = new FormData()
    form.append('comentario', 'outro campo')
    form.append(name, new Blob([content], { type: 'text/csv' }), 'vendas.csv')
    return form
  }

  test('carries the file in the field arquivo', async () => {
    expect(await importar(formOf('arquivo', HEADER + lines(3_000)))).toMatchObject({ criados: 3_000 })
  })

  test('without it, with two of them, or broken, is refused', async () => {
    const two = formOf('arquivo', HEADER + lines(2_000))
    two.append('arquivo', new Blob(['x']), 'b.csv')
    for (const [body, contentType, status] of [
      [formOf('outro', HEADER), undefined, 422],
      [two, undefined, 422],
      ['x', 'multipart/form-data', 400],
      ['x', 'multipart/form-data; boundary=abc', 422],
      [
        '--abc\r\nContent-Disposition: form-data; name="arquivo"; filename="a"\r\n\r\ndata',
        'multipart/form-data; boundary=abc',
        400,
      ],
      ['', 'multipart/form-data; boundary=abc', 422],
    ] as const) {
      const answer = await send(body, contentType && { contentType })
      expect([contentType, answer.status, await answer.json()]).toMatchObject([contentType, status, {}])
    }
  })
})

describe('what is no such file is refused with a reason, never a 500', () => {
  test.each([
    ['nothing', '', 'text/csv', 422, 'arquivo-vazio'],
    ['a header alone', HEADER, 'text/csv', 422, 'arquivo-vazio'],
    ['no header', lines(3), 'text/csv', 422, 'dados-invalidos'],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004\u0014\u0000xl/workbook'), 'text/csv', 422, 'arquivo-nao-e-csv'],
    ['noise', Buffer.alloc(300_000, 0x9d), 'text/csv', 422, undefined],
    ['UTF-16', Buffer.from(`\ufeff${HEADER}`, 'utf16le'), 'text/csv', 422, 'arquivo-nao-e-csv'],
    ['an unknown charset', HEADER, 'text/csv; charset=utf-16', 415, 'midia-nao-suportada'],
    ['JSON', '[]', 'application/json', 415, 'midia-nao-suportada'],
  ])('%s', async (_, body, contentType, status, codigo) => {
    const answer = await send(body, { contentType })
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject(codigo === undefined ? {} : { codigo })
  })

  test('a missing column is named', async () => {
    const answer = await send('data,tipo,descrição,histórico\n')
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ erros: [{ campo: 'valor' }, { campo: 'histórico' }] })
  })

  test('an early refusal reaches a sender that is still sending', async () => {
    const infinite = Readable.from(
      (function* () {
        for (let i = 0; i < 500; i += 1) yield Buffer.alloc(64 * 1024, 'x')
      })(),
    )
    expect((await send(infinite)).status).toBe(422)
  })
})

test('a merchant has two imports at once and all have four; a further one is told to come back, and slow senders do no harm', async () => {
  const [one, other] = [newComerciante(), newComerciante()]
  /** Begins a file of its own kind and waits until some of it is stored: it has its place. */
  const openSlowly = async (merchant: string, referencia: string) => {
    const before = await count(merchant)
    const withReferencia = Array.from({ length: 3_000 }, (_, i) => line(i + 1, `${referencia}-${i}`)).join('')
    const req = await open(merchant, HEADER + withReferencia)
    await waitFor(async () => (await count(merchant)) > before, { what: `the import of ${merchant} is under way` })
    return req
  }
  const waitForRefusal = async (merchant: string) => {
    const answer = await send(HEADER + line(1), { de: merchant })
    expect([answer.status, await answer.json()]).toMatchObject([503, { codigo: 'importacoes-demais' }])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const slow = [await openSlowly(one, 'a'), await openSlowly(one, 'b')]
  await waitForRefusal(one)
  expect((await send(HEADER + line(1))).status).toBe(200)

  slow.push(await openSlowly(other, 'a'), await openSlowly(other, 'b'))
  await waitForRefusal(newComerciante())
  for (const req of slow) req.destroy()
  await waitFor(async () => (await send(HEADER + line(1), { de: one })).status === 200, {
    what: 'their places are free again',
  })
})

test('no token, no scope: nothing is read', async () => {
  const reader = await stage.askAs('loja-1', ['lancamentos:ler'])
  expect((await reader('/lancamentos/importacoes', { method: 'POST', body: HEADER })).status).toBe(403)
})
