import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'

type LoteAnswer = {
  linha: number
  situacao: string
  id?: string
  erro?: { codigo: string; campo?: string; id?: string }
}

let stage: LedgerTestApp
let merchant: Awaited<ReturnType<LedgerTestApp['askAs']>>
let n = 0
beforeAll(async () => {
  stage = await createLedgerTestApp({ particoes: 4 })
})
afterAll(() => stage.close())

/** Each test has a merchant of its own. */
const newMerchant = async () => {
  n += 1
  const comerciante = `loja-${n}`
  merchant = await stage.askAs(comerciante)
  return async (): Promise<number> => {
    const [line] = await stage.sql`select count(*)::int as n from lancamentos where comerciante_id = ${comerciante}`
    return Number(line?.['n'])
  }
}
const entry = (fields: Record<string, unknown> = {}) => ({
  valor: 10.5,
  tipo: 'CREDITO',
  descricao: 'Venda',
  data: '2025-10-15',
  ...fields,
})
const send = async (body: unknown, headers = {}, query = ''): Promise<LoteAnswer[]> => {
  const answer = await merchant(`/lancamentos/lote${query}`, json(body, headers))
  expect(answer.status).toBe(200)
  return (await answer.json()) as LoteAnswer[]
}
const situacoes = (results: readonly LoteAnswer[]) => results.map(({ situacao }) => situacao)
const NDJSON = { 'content-type': 'application/x-ndjson' }

describe('each on its own merit', () => {
  test('broken entries are refused with their reason and field, and the others go in, in order', async () => {
    const count = await newMerchant()
    const results = await send([
      entry(),
      entry({ valor: 0.001 }),
      null,
      entry({ cor: 'azul' }),
      entry({ referencia: 'r-1' }),
      entry({ valor: '7.25' }),
    ])
    expect(results.map(({ linha: line }) => line)).toEqual([1, 2, 3, 4, 5, 6])
    expect(situacoes(results)).toEqual(['criado', 'recusado', 'recusado', 'recusado', 'criado', 'criado'])
    expect(results[1]?.erro).toMatchObject({ codigo: 'dados-invalidos', campo: 'valor' })
    expect(results[3]?.erro).toMatchObject({ codigo: 'dados-invalidos', campo: 'cor' })
    expect(await count()).toBe(3)
    const reading = await (await merchant(`/lancamentos/${results[5]?.id}`)).text()
    expect(reading).toContain('"valor":7.25,')
  })

  test('NDJSON is read line by line; blank lines at its end are nothing', async () => {
    const count = await newMerchant()
    const lines = [JSON.stringify(entry()), '{', '', `${JSON.stringify(entry())}\r`, '', '']
    const results = await send(lines.join('\n'), NDJSON)
    expect(situacoes(results)).toEqual(['criado', 'recusado', 'recusado', 'criado'])
    expect(results[1]?.erro).toMatchObject({ codigo: 'json-invalido' })
    expect(await count()).toBe(2)
  })

  test('a batch with a key that is sent again is all repetido, with the same ids', async () => {
    const count = await newMerchant()
    const lote = Array.from({ length: 1_200 }, (_, i) => entry({ valor: i + 1 }))
    const chave = { 'idempotency-key': 'lote-1' }
    const first = await send(lote, chave)
    const second = await send(lote, chave)
    expect(new Set(situacoes(first))).toEqual(new Set(['criado']))
    expect(new Set(situacoes(second))).toEqual(new Set(['repetido']))
    expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id))
    expect(await count()).toBe(1_200)
    const changed = await send(lote.with(4, entry({ valor: 99 })), chave)
    expect(changed[4]).toMatchObject({
      situacao: 'recusado',
      erro: { codigo: 'chave-reutilizada', id: first[4]?.id },
    })
    expect(situacoes(changed).filter((s) => s === 'repetido')).toHaveLength(1_199)
  })

  test('without a key, equal entries are different entries', async () => {
    const count = await newMerchant()
    await send([entry(), entry()])
    await send([entry(), entry()])
    expect(await count()).toBe(4)
  })

  test('a known referencia is repetido where the content is the same, refused where it is not', async () => {
    const count = await newMerchant()
    const [before] = await send([entry({ referencia: 'r-1' })])
    const results = await send([
      entry({ referencia: 'r-1' }),
      entry({ referencia: 'r-1', valor: 11 }),
      entry({ referencia: 'r-2' }),
      entry({ referencia: 'r-2' }),
    ])
    expect(situacoes(results)).toEqual(['repetido', 'recusado', 'criado', 'repetido'])
    expect(results[0]?.id).toBe(before?.id)
    expect(results[1]?.erro).toMatchObject({ codigo: 'referencia-duplicada', campo: 'referencia', id: before?.id })
    expect(results[3]?.id).toBe(results[2]?.id)
    expect(await count()).toBe(2)
  })
})

describe('?atomico=true', () => {
  const atomic = (body: unknown) => merchant('/lancamentos/lote?atomico=true', json(body))

  test('one broken entry keeps all out, and is named', async () => {
    const count = await newMerchant()
    const answer = await atomic([entry(), entry({ tipo: 'x' }), entry()])
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      codigo: 'lote-recusado',
      detail: 'Nada foi registrado: 1 de 3 lançamentos foram recusados.',
      recusados: 1,
      resultados: [{ linha: 2, situacao: 'recusado', erro: { campo: 'tipo' } }],
    })
    expect(await count()).toBe(0)
  })

  test('one conflict in the ledger keeps all out; a known entry with the same content does not', async () => {
    const count = await newMerchant()
    await send([entry({ referencia: 'r-1' })])
    const answer = await atomic([entry({ referencia: 'r-9' }), entry({ referencia: 'r-1', valor: 1 })])
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      detail: 'Nada foi registrado: 1 de 2 lançamentos foram recusados.',
      resultados: [{ linha: 2, erro: { codigo: 'referencia-duplicada' } }],
    })
    expect(await count()).toBe(1)
    const right = await atomic([entry({ referencia: 'r-9' }), entry({ referencia: 'r-1' })])
    expect(situacoes((await right.json()) as LoteAnswer[])).toEqual(['criado', 'repetido'])
    expect(await count()).toBe(2)
  })

  test('10 000 entries go in whole', async () => {
    const count = await newMerchant()
    const answer = await atomic(Array.from({ length: 10_000 }, (_, i) => entry({ referencia: `r-${i}` })))
    expect(answer.status).toBe(200)
    expect(await count()).toBe(10_000)
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
  ])('%s', async (_, body, headers, status, codigo) => {
    await newMerchant()
    const answer = await merchant('/lancamentos/lote', json(body, headers))
    expect([answer.status, await answer.json()]).toMatchObject([status, { codigo }])
  })

  test('an unknown query parameter or value', async () => {
    await newMerchant()
    for (const query of ['?atomica=true', '?atomico=sim', '?atomico=true&atomico=true']) {
      expect((await merchant(`/lancamentos/lote${query}`, json([entry()]))).status).toBe(422)
    }
  })
})
