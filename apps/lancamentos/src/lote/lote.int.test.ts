import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bancada, createBancada, json } from '../../test/bancada.ts'

type Resultado = {
  linha: number
  situacao: string
  id?: string
  erro?: { codigo: string; campo?: string; id?: string }
}

let bancada: Bancada
let loja: Awaited<ReturnType<Bancada['como']>>
let n = 0
beforeAll(async () => {
  bancada = await createBancada({ particoes: 4 })
})
afterAll(() => bancada.fechar())

/** Each test has a merchant of its own. */
const novaLoja = async () => {
  n += 1
  const comerciante = `loja-${n}`
  loja = await bancada.como(comerciante)
  return async (): Promise<number> => {
    const [linha] = await bancada.sql`select count(*)::int as n from lancamentos where comerciante_id = ${comerciante}`
    return Number(linha?.['n'])
  }
}
const entrada = (campos: Record<string, unknown> = {}) => ({
  valor: 10.5,
  tipo: 'CREDITO',
  descricao: 'Venda',
  data: '2025-10-15',
  ...campos,
})
const enviar = async (corpo: unknown, headers = {}, consulta = ''): Promise<Resultado[]> => {
  const resposta = await loja(`/lancamentos/lote${consulta}`, json(corpo, headers))
  expect(resposta.status).toBe(200)
  return (await resposta.json()) as Resultado[]
}
const situacoes = (resultados: readonly Resultado[]) => resultados.map(({ situacao }) => situacao)
const NDJSON = { 'content-type': 'application/x-ndjson' }

describe('each on its own merit', () => {
  test('broken entries are refused with their reason and field, and the others go in, in order', async () => {
    const contar = await novaLoja()
    const resultados = await enviar([
      entrada(),
      entrada({ valor: 0.001 }),
      null,
      entrada({ cor: 'azul' }),
      entrada({ referencia: 'r-1' }),
      entrada({ valor: '7.25' }),
    ])
    expect(resultados.map(({ linha }) => linha)).toEqual([1, 2, 3, 4, 5, 6])
    expect(situacoes(resultados)).toEqual(['criado', 'recusado', 'recusado', 'recusado', 'criado', 'criado'])
    expect(resultados[1]?.erro).toMatchObject({ codigo: 'dados-invalidos', campo: 'valor' })
    expect(resultados[3]?.erro).toMatchObject({ codigo: 'dados-invalidos', campo: 'cor' })
    expect(await contar()).toBe(3)
    const lido = await (await loja(`/lancamentos/${resultados[5]?.id}`)).text()
    expect(lido).toContain('"valor":7.25,')
  })

  test('NDJSON is read line by line; blank lines at its end are nothing', async () => {
    const contar = await novaLoja()
    const linhas = [JSON.stringify(entrada()), '{', '', `${JSON.stringify(entrada())}\r`, '', '']
    const resultados = await enviar(linhas.join('\n'), NDJSON)
    expect(situacoes(resultados)).toEqual(['criado', 'recusado', 'recusado', 'criado'])
    expect(resultados[1]?.erro).toMatchObject({ codigo: 'json-invalido' })
    expect(await contar()).toBe(2)
  })

  test('a batch with a key that is sent again is all repetido, with the same ids', async () => {
    const contar = await novaLoja()
    const lote = Array.from({ length: 1_200 }, (_, i) => entrada({ valor: i + 1 }))
    const chave = { 'idempotency-key': 'lote-1' }
    const primeira = await enviar(lote, chave)
    const segunda = await enviar(lote, chave)
    expect(new Set(situacoes(primeira))).toEqual(new Set(['criado']))
    expect(new Set(situacoes(segunda))).toEqual(new Set(['repetido']))
    expect(segunda.map(({ id }) => id)).toEqual(primeira.map(({ id }) => id))
    expect(await contar()).toBe(1_200)
    const mudado = await enviar(lote.with(4, entrada({ valor: 99 })), chave)
    expect(mudado[4]).toMatchObject({
      situacao: 'recusado',
      erro: { codigo: 'chave-reutilizada', id: primeira[4]?.id },
    })
    expect(situacoes(mudado).filter((s) => s === 'repetido')).toHaveLength(1_199)
  })

  test('without a key, equal entries are different entries', async () => {
    const contar = await novaLoja()
    await enviar([entrada(), entrada()])
    await enviar([entrada(), entrada()])
    expect(await contar()).toBe(4)
  })

  test('a known referencia is repetido where the content is the same, refused where it is not', async () => {
    const contar = await novaLoja()
    const [antes] = await enviar([entrada({ referencia: 'r-1' })])
    const resultados = await enviar([
      entrada({ referencia: 'r-1' }),
      entrada({ referencia: 'r-1', valor: 11 }),
      entrada({ referencia: 'r-2' }),
      entrada({ referencia: 'r-2' }),
    ])
    expect(situacoes(resultados)).toEqual(['repetido', 'recusado', 'criado', 'repetido'])
    expect(resultados[0]?.id).toBe(antes?.id)
    expect(resultados[1]?.erro).toMatchObject({ codigo: 'referencia-duplicada', campo: 'referencia', id: antes?.id })
    expect(resultados[3]?.id).toBe(resultados[2]?.id)
    expect(await contar()).toBe(2)
  })
})

describe('?atomico=true', () => {
  const atomico = (corpo: unknown) => loja('/lancamentos/lote?atomico=true', json(corpo))

  test('one broken entry keeps all out, and is named', async () => {
    const contar = await novaLoja()
    const resposta = await atomico([entrada(), entrada({ tipo: 'x' }), entrada()])
    expect(resposta.status).toBe(422)
    expect(await resposta.json()).toMatchObject({
      codigo: 'lote-recusado',
      detail: 'Nada foi registrado: 1 de 3 lançamentos foram recusados.',
      recusados: 1,
      resultados: [{ linha: 2, situacao: 'recusado', erro: { campo: 'tipo' } }],
    })
    expect(await contar()).toBe(0)
  })

  test('one conflict in the ledger keeps all out; a known entry with the same content does not', async () => {
    const contar = await novaLoja()
    await enviar([entrada({ referencia: 'r-1' })])
    const resposta = await atomico([entrada({ referencia: 'r-9' }), entrada({ referencia: 'r-1', valor: 1 })])
    expect(resposta.status).toBe(422)
    expect(await resposta.json()).toMatchObject({
      detail: 'Nada foi registrado: 1 de 2 lançamentos foram recusados.',
      resultados: [{ linha: 2, erro: { codigo: 'referencia-duplicada' } }],
    })
    expect(await contar()).toBe(1)
    const certa = await atomico([entrada({ referencia: 'r-9' }), entrada({ referencia: 'r-1' })])
    expect(situacoes((await certa.json()) as Resultado[])).toEqual(['criado', 'repetido'])
    expect(await contar()).toBe(2)
  })

  test('10 000 entries go in whole', async () => {
    const contar = await novaLoja()
    const resposta = await atomico(Array.from({ length: 10_000 }, (_, i) => entrada({ referencia: `r-${i}` })))
    expect(resposta.status).toBe(200)
    expect(await contar()).toBe(10_000)
  })
})

describe('refused whole', () => {
  test.each([
    ['an empty list', '[]', {}, 422, 'lote-vazio'],
    ['an empty text', '', NDJSON, 422, 'lote-vazio'],
    ['blank lines only', '\n\n', NDJSON, 422, 'lote-vazio'],
    ['no list', '{}', {}, 422, 'dados-invalidos'],
    ['no JSON', '[', {}, 400, 'json-invalido'],
    ['another media type', '[]', { 'content-type': 'text/plain' }, 415, 'midia-nao-suportada'],
    ['too many entries', `[${'0,'.repeat(10_000)}0]`, {}, 422, 'lote-grande-demais'],
    ['too many lines', '0\n'.repeat(10_001), NDJSON, 422, 'lote-grande-demais'],
    ['too many bytes', `["${'x'.repeat(8 * 1024 * 1024)}"]`, {}, 413, 'corpo-grande-demais'],
  ])('%s', async (_, corpo, headers, status, codigo) => {
    await novaLoja()
    const resposta = await loja('/lancamentos/lote', json(corpo, headers))
    expect([resposta.status, await resposta.json()]).toMatchObject([status, { codigo }])
  })

  test('an unknown query parameter or value', async () => {
    await novaLoja()
    for (const consulta of ['?atomica=true', '?atomico=sim', '?atomico=true&atomico=true']) {
      expect((await loja(`/lancamentos/lote${consulta}`, json([entrada()]))).status).toBe(422)
    }
  })
})
