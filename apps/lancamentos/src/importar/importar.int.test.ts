import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { waitFor } from '@fluxo/shared/testing/wait-for'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada } from '../../test/bancada.ts'

type Relatorio = Record<'linhas' | 'criados' | 'repetidos' | 'recusados', number> & {
  erros: { linha: number; coluna: string | null; motivo: string }[]
}

let bancada: Bancada
let comerciante = ''
let n = 0
beforeAll(async () => {
  bancada = await createBancada()
})
afterAll(() => bancada.fechar())

type Corpo = string | Buffer | Readable | FormData

/** Sends a file as a merchant, a new one by default. */
const enviar = async (corpo: Corpo, { contentType = 'text/csv', de = novoComerciante() } = {}): Promise<Response> => {
  comerciante = de
  const pedir = await bancada.como(de)
  const body = corpo instanceof Readable ? Readable.toWeb(corpo) : corpo
  const headers = corpo instanceof FormData ? {} : { 'content-type': contentType }
  return pedir('/lancamentos/importacoes', {
    method: 'POST',
    headers,
    body: body as NonNullable<RequestInit['body']>,
    duplex: 'half',
  })
}
const novoComerciante = (): string => {
  n += 1
  return `loja-${n}`
}
const importar = async (...args: Parameters<typeof enviar>): Promise<Relatorio> => {
  const resposta = await enviar(...args)
  const corpo = (await resposta.json()) as Relatorio
  expect([resposta.status, corpo]).toMatchObject([200, {}])
  return corpo
}
const contar = async (): Promise<number> => {
  const [linha] = await bancada.sql`select count(*)::int as n from lancamentos where comerciante_id = ${comerciante}`
  return Number(linha?.['n'])
}
const gravados = () =>
  bancada.sql`select descricao, valor::text as valor, tipo::int as tipo, data::text as data, referencia
    from lancamentos where comerciante_id = ${comerciante} order by posicao`

const CABECALHO = 'data,tipo,valor,descricao,referencia\n'
const linha = (i: number, referencia = '') => `2025-10-15,CREDITO,${i}.00,Venda ${i},${referencia}\n`
const linhas = (quantas: number) => Array.from({ length: quantas }, (_, i) => linha(i + 1)).join('')

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
    expect(await importar(corpo)).toEqual({ linhas: 1, criados: 1, repetidos: 0, recusados: 0, erros: [] })
    expect([...(await gravados())]).toEqual(esperado)
  }
  await importar(Buffer.from(virgula, 'latin1'), { contentType: 'text/csv; charset=ISO-8859-1' })
  expect([...(await gravados())]).toEqual(esperado)
})

describe('a file that is sent twice', () => {
  const arquivo = CABECALHO + linhas(1_700) + linha(1) + linha(1) + linha(2, 'r-1') + linha(3, 'r-2')

  test('creates nothing twice, and two equal lines are two entries', async () => {
    const total = { linhas: 1_704, recusados: 0 }
    expect(await importar(arquivo)).toMatchObject({ ...total, criados: 1_704, repetidos: 0 })
    expect(await importar(arquivo, { de: comerciante })).toMatchObject({ ...total, criados: 0, repetidos: 1_704 })
    expect(await contar()).toBe(1_704)
  })

  test('with one line corrected creates that line', async () => {
    const errado = arquivo.replace(linha(900), '2025-10-15,CREDITO,9OO,Venda 900,\n')
    const primeira = await importar(errado)
    expect(primeira).toMatchObject({ criados: 1_703, recusados: 1, erros: [{ linha: 901, coluna: 'valor' }] })
    expect(await importar(arquivo, { de: comerciante })).toMatchObject({ criados: 1, repetidos: 1_703, recusados: 0 })
  })

  test('by two senders at once creates nothing twice', async () => {
    const de = novoComerciante()
    const relatorios = await Promise.all([importar(arquivo, { de }), importar(arquivo, { de })])
    expect(relatorios.reduce((soma, { criados }) => soma + criados, 0)).toBe(1_704)
    expect(relatorios.every(({ recusados }) => recusados === 0)).toBe(true)
    expect(await contar()).toBe(1_704)
  })

  test('after the first upload broke off: nothing is lost, and the rest goes in', async () => {
    const de = novoComerciante()
    comerciante = de
    await interromper(CABECALHO + linhas(1_234).slice(0, -20), de)
    await waitFor(async () => (await contar()) === 1_233, { what: 'what arrived is stored' })
    expect(await importar(arquivo, { de })).toMatchObject({ linhas: 1_704, criados: 1_704 - 1_233, repetidos: 1_233 })
  })
})

/** Begins an upload of ten million bytes and sends the first of them. */
const abrir = async (de: string, inicio = CABECALHO) => {
  const headers = { authorization: await bancada.autorizacao(de), 'content-type': 'text/csv', 'content-length': 1e7 }
  const req = request(`${bancada.url}/lancamentos/importacoes`, { method: 'POST', headers })
  req.on('error', () => {})
  req.write(inicio)
  return req
}

/** Resets the connection of an upload once the server has stored some of it. */
const interromper = async (inicio: string, de: string): Promise<void> => {
  const req = await abrir(de, inicio)
  await waitFor(async () => (await contar()) >= 1_000, { what: 'the first batches are stored' })
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
  const { erros, ...total } = await importar(arquivo)
  expect(total).toEqual({ linhas: 6, criados: 1, repetidos: 0, recusados: 5 })
  expect(erros.map(({ linha, coluna }) => [linha, coluna])).toEqual([
    [2, 'descricao'],
    [4, 'data'],
    [6, null],
    [7, null],
    [8, null],
  ])
  expect(await gravados()).toMatchObject([{ descricao: 'boa' }])
})

test('a referencia with another content is refused and names the entry in the way', async () => {
  await importar(CABECALHO + linha(1, 'r-1'))
  const relatorio = await importar(CABECALHO + linha(2, 'r-1') + linha(1, 'r-1'), { de: comerciante })
  expect(relatorio).toMatchObject({
    criados: 0,
    repetidos: 1,
    recusados: 1,
    erros: [{ linha: 2, coluna: 'referencia' }],
  })
})

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

test('a fifth import at once is told to come back, and four slow senders do no harm', async () => {
  const lentos = await Promise.all(Array.from({ length: 4 }, () => abrir(novoComerciante())))
  await waitFor(async () => (await enviar(CABECALHO + linha(1))).status === 503, { what: 'four imports are under way' })
  const resposta = await enviar(CABECALHO + linha(1))
  expect([resposta.status, await resposta.json()]).toMatchObject([503, { codigo: 'importacoes-demais' }])
  expect(Number(resposta.headers.get('retry-after'))).toBeGreaterThan(0)
  for (const req of lentos) req.destroy()
  await waitFor(async () => (await enviar(CABECALHO + linha(1))).status === 200, {
    what: 'their places are free again',
  })
})

test('no token, no scope: nothing is read', async () => {
  const leitor = await bancada.como('loja-1', ['lancamentos:ler'])
  expect((await leitor('/lancamentos/importacoes', { method: 'POST', body: CABECALHO })).status).toBe(403)
})

test('the OpenAPI document knows all calls', async () => {
  const documento = (await (await fetch(`${bancada.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  expect(Object.keys(documento.paths)).toEqual(
    expect.arrayContaining([
      '/lancamentos',
      '/lancamentos/{id}',
      '/lancamentos/{id}/estorno',
      '/lancamentos/lote',
      '/lancamentos/importacoes',
    ]),
  )
})

/** Real payments of a shop, outside of the repository; `OLIST_CSV` names another copy. */
const REAL =
  process.env['OLIST_CSV'] ?? new URL('../../../../../shared/data/olist/lancamentos.csv', import.meta.url).pathname

test.runIf(existsSync(REAL))('the real file: 16 735 criados, then 16 735 repetidos, to the cent', async () => {
  const arquivo = await readFile(REAL)
  const total = { linhas: 16_735, recusados: 0, erros: [] }
  expect(await importar(arquivo)).toEqual({ ...total, criados: 16_735, repetidos: 0 })
  expect(await importar(arquivo, { de: comerciante })).toEqual({ ...total, criados: 0, repetidos: 16_735 })
  const centavos = arquivo
    .toString()
    .trimEnd()
    .split('\n')
    .slice(1)
    .reduce((soma, texto) => soma + BigInt(Math.round(Number(texto.split(',')[2]) * 100)), 0n)
  const [soma] =
    await bancada.sql`select sum(valor)::text as centavos from lancamentos where comerciante_id = ${comerciante}`
  expect(soma?.['centavos']).toBe(String(centavos))
})
