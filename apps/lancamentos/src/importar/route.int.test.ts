import { Readable } from 'node:stream'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada } from '../../test/bancada.ts'
import { CABECALHO, createEnvio, linha, linhas, novoComerciante } from '../../test/envio.ts'

let bancada: Bancada
const { enviar, importar, abrir, contar } = createEnvio(() => bancada)
beforeAll(async () => {
  bancada = await createBancada()
})
afterAll(() => bancada.fechar())

describe('a form', () => {
  const formulario = (nome: string, conteudo: string): FormData => {
    const form = new FormData()
    form.append('comentario', 'outro campo')
    form.append(nome, new Blob([conteudo], { type: 'text/csv' }), 'vendas.csv')
    return form
  }

  test('carries the file in the field arquivo', async () => {
    expect(await importar(formulario('arquivo', CABECALHO + linhas(3_000)))).toMatchObject({ criados: 3_000 })
  })

  test('without it, with two of them, or broken, is refused', async () => {
    const dois = formulario('arquivo', CABECALHO + linhas(2_000))
    dois.append('arquivo', new Blob(['x']), 'b.csv')
    for (const [corpo, contentType, status] of [
      [formulario('outro', CABECALHO), undefined, 422],
      [dois, undefined, 422],
      ['x', 'multipart/form-data', 400],
      ['x', 'multipart/form-data; boundary=abc', 422],
      [
        '--abc\r\nContent-Disposition: form-data; name="arquivo"; filename="a"\r\n\r\ndata',
        'multipart/form-data; boundary=abc',
        400,
      ],
      ['', 'multipart/form-data; boundary=abc', 422],
    ] as const) {
      const resposta = await enviar(corpo, contentType && { contentType })
      expect([contentType, resposta.status, await resposta.json()]).toMatchObject([contentType, status, {}])
    }
  })
})

describe('what is no such file is refused with a reason, never a 500', () => {
  test.each([
    ['nothing', '', 'text/csv', 422, 'arquivo-vazio'],
    ['a header alone', CABECALHO, 'text/csv', 422, 'arquivo-vazio'],
    ['no header', linhas(3), 'text/csv', 422, 'dados-invalidos'],
    ['a spreadsheet', Buffer.from('PK\u0003\u0004\u0014\u0000xl/workbook'), 'text/csv', 422, 'arquivo-nao-e-csv'],
    ['noise', Buffer.alloc(300_000, 0x9d), 'text/csv', 422, undefined],
    ['UTF-16', Buffer.from(`\ufeff${CABECALHO}`, 'utf16le'), 'text/csv', 422, 'arquivo-nao-e-csv'],
    ['an unknown charset', CABECALHO, 'text/csv; charset=utf-16', 415, 'midia-nao-suportada'],
    ['JSON', '[]', 'application/json', 415, 'midia-nao-suportada'],
  ])('%s', async (_, corpo, contentType, status, codigo) => {
    const resposta = await enviar(corpo, { contentType })
    expect(resposta.status).toBe(status)
    expect(await resposta.json()).toMatchObject(codigo === undefined ? {} : { codigo })
  })

  test('a missing column is named', async () => {
    const resposta = await enviar('data,tipo,descrição,histórico\n')
    expect(resposta.status).toBe(422)
    expect(await resposta.json()).toMatchObject({ erros: [{ campo: 'valor' }, { campo: 'histórico' }] })
  })

  test('an early refusal reaches a sender that is still sending', async () => {
    const infinito = Readable.from(
      (function* () {
        for (let i = 0; i < 500; i += 1) yield Buffer.alloc(64 * 1024, 'x')
      })(),
    )
    expect((await enviar(infinito)).status).toBe(422)
  })
})

test('a merchant has two imports at once and all have four; a further one is told to come back, and slow senders do no harm', async () => {
  const [um, outro] = [novoComerciante(), novoComerciante()]
  /** Begins a file of its own kind and waits until some of it is stored: it has its place. */
  const abrirLento = async (de: string, referencia: string) => {
    const antes = await contar(de)
    const comReferencia = Array.from({ length: 3_000 }, (_, i) => linha(i + 1, `${referencia}-${i}`)).join('')
    const req = await abrir(de, CABECALHO + comReferencia)
    await waitFor(async () => (await contar(de)) > antes, { what: `the import of ${de} is under way` })
    return req
  }
  const esperarRecusa = async (de: string) => {
    const resposta = await enviar(CABECALHO + linha(1), { de })
    expect([resposta.status, await resposta.json()]).toMatchObject([503, { codigo: 'importacoes-demais' }])
    expect(Number(resposta.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const lentos = [await abrirLento(um, 'a'), await abrirLento(um, 'b')]
  await esperarRecusa(um)
  expect((await enviar(CABECALHO + linha(1))).status).toBe(200)

  lentos.push(await abrirLento(outro, 'a'), await abrirLento(outro, 'b'))
  await esperarRecusa(novoComerciante())
  for (const req of lentos) req.destroy()
  await waitFor(async () => (await enviar(CABECALHO + linha(1), { de: um })).status === 200, {
    what: 'their places are free again',
  })
})

test('no token, no scope: nothing is read', async () => {
  const leitor = await bancada.como('loja-1', ['lancamentos:ler'])
  expect((await leitor('/lancamentos/importacoes', { method: 'POST', body: CABECALHO })).status).toBe(403)
})
