import { dayInSaoPaulo, isDay } from '@fluxo/shared/day'
import { readValor } from '@fluxo/shared/money'
import { textFault, truncate } from '@fluxo/shared/text'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventoData } from './evento.ts'
import { canonicalContent, impressaoOf } from './impressao.ts'
import type { Lancamento, NovoLancamento } from './lancamento.ts'
import { lancamentoJson } from './lancamento-json.ts'
import { NovoLancamentoSchema } from './novo-lancamento.ts'

describe('amounts', () => {
  test('every amount of up to two decimals is read to the exact cent', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999_999n }), (cents) => {
        const text = `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`
        expect(readValor(text)).toBe(cents)
        if (text.endsWith('0')) expect(readValor(text.slice(0, -1))).toBe(cents)
      }),
    )
  })

  test.each([
    ['0', 'not-positive'],
    ['0.00', 'not-positive'],
    ['-1', 'not-positive'],
    ['-1.5', 'not-positive'],
    ['1e2', 'format'],
    ['1,50', 'format'],
    ['NaN', 'format'],
    ['', 'format'],
    [' 1', 'format'],
    ['.5', 'format'],
    ['5.', 'format'],
    ['007', 'format'],
    ['+1', 'format'],
    ['0x10', 'format'],
    ['１', 'format'],
    ['0.001', 'decimals'],
    ['0.30000000000000004', 'decimals'],
    ['10000000000000', 'too-large'],
    ['9999999999999999999999', 'too-large'],
  ])('%j is refused: %s', (text, motivo) => expect(readValor(text)).toBe(motivo))
})

describe('days', () => {
  test('exactly the days of the calendar from 1900 to 2199 are days', () => {
    const days = new Set<string>()
    for (let t = Date.UTC(1900, 0, 1); t < Date.UTC(2200, 0, 1); t += 86_400_000) {
      days.add(new Date(t).toISOString().slice(0, 10))
    }
    for (let year = 1899; year <= 2200; year += 1) {
      for (let month = 0; month <= 13; month += 1) {
        for (let day = 0; day <= 32; day += 1) {
          const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
          if (isDay(text) !== days.has(text)) throw new Error(text)
        }
      }
    }
  })

  test('no other text is a day', () => {
    for (const text of ['', '2025-1-01', '15/10/2025', '2025-10-15T00:00', '２025-10-15', '2025.10.15', '+025-10-15']) {
      expect(isDay(text)).toBe(false)
    }
    fc.assert(fc.property(fc.string(), (text) => /^\d{4}-\d\d-\d\d$/.test(text) || !isDay(text)))
  })

  test('today is the day of São Paulo, not of Greenwich', () => {
    expect(dayInSaoPaulo(new Date('2025-10-16T02:59:59Z'))).toBe('2025-10-15')
    expect(dayInSaoPaulo(new Date('2025-10-16T03:00:00Z'))).toBe('2025-10-16')
  })
})

describe('texts', () => {
  test('characters are counted, not UTF-16 units', () => {
    expect(textFault('😀'.repeat(255), 255)).toBeUndefined()
    expect(textFault('😀'.repeat(256), 255)).toContain('255')
    expect(textFault('a'.repeat(256), 255)).toContain('255')
  })

  test('controls, lone surrogates and nothing at all are refused', () => {
    for (const text of ['a\u0000b', 'a\nb', 'a\tb', 'a\u007fb', 'a\u0085b', 'a\ud800b']) {
      expect(textFault(text, 255)).toContain('controle')
    }
    expect(textFault('', 255)).toBe('Não pode ser vazio.')
  })

  test('a cut text never ends in half a character', () => {
    expect(truncate(`${'a'.repeat(254)}😀😀`, 255)).toBe(`${'a'.repeat(254)}😀`)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '😀') }), (text) => {
        const cut = truncate(text, 5)
        return cut.isWellFormed() && [...cut].length <= 5 && text.startsWith(cut)
      }),
    )
  })
})

const content = fc.record({
  tipo: fc.constantFrom('CREDITO' as const, 'DEBITO' as const),
  valor: fc.bigInt({ min: 1n, max: 20n }),
  data: fc.constantFrom('2025-10-15', '2025-10-16'),
  descricao: fc.string({ unit: fc.constantFrom('a', '|', ':', '-', '1', '😀'), maxLength: 6 }),
  referencia: fc.option(fc.string({ unit: fc.constantFrom('a', '|', ':', '-', '1'), maxLength: 6 }), {
    nil: undefined,
  }),
  estorna: fc.option(fc.constant('0198aaaa-0000-7000-8000-000000000000'), { nil: undefined }),
})

test('two contents have the same fingerprint exactly where they are the same', () => {
  fc.assert(
    fc.property(content, content, (a, b) => {
      const areEqual = (Object.keys(a) as (keyof typeof a)[]).every((campo) => a[campo] === b[campo])
      expect(canonicalContent(a) === canonicalContent(b)).toBe(areEqual)
    }),
    { numRuns: 2_000 },
  )
})

test('a fingerprint never changes from one version of the code to the next', () => {
  const request: NovoLancamento = {
    tipo: 'CREDITO',
    valor: 15050n,
    data: '2025-10-15',
    descricao: 'Venda',
    referencia: 'NF-1',
  }
  expect(impressaoOf(request)).toBe('116523d5b70a02ae66272f79e00743bd')
})

const registered: Lancamento = {
  id: '0198aaaa-0000-7000-8000-000000000000',
  comercianteId: 'loja-1',
  tipo: 'DEBITO',
  valor: 5n,
  data: '2025-10-15',
  descricao: 'aspas " e \\ barra',
  createdAt: new Date('2025-10-15T12:34:56.789Z'),
}

test('an answer writes the amount with two decimals and only the fields that are there', () => {
  const text = lancamentoJson(registered)
  expect(text).toContain('"valor":0.05,')
  expect(JSON.parse(text)).toEqual({
    id: registered.id,
    valor: 0.05,
    tipo: 'DEBITO',
    descricao: 'aspas " e \\ barra',
    data: '2025-10-15',
    created_at: '2025-10-15T12:34:56.789Z',
  })
  const other = lancamentoJson({
    ...registered,
    valor: 999_999_999_999_999n,
    referencia: 'NF"1',
    estorna: registered.id,
  })
  expect(other).toContain('"valor":9999999999999.99,')
  expect(JSON.parse(other)).toMatchObject({ referencia: 'NF"1', estorna: registered.id })
})

test('the event tells neither descricao nor absent fields', () => {
  expect(eventoData(registered)).toEqual({
    id: registered.id,
    comerciante_id: 'loja-1',
    tipo: 'DEBITO',
    valor: '0.05',
    data: '2025-10-15',
  })
  expect(eventoData({ ...registered, referencia: 'r', estorna: registered.id })).toMatchObject({
    referencia: 'r',
    estorna: registered.id,
  })
})

describe('a request', () => {
  const valid = { valor: '150.50', tipo: 'CREDITO', descricao: '  Venda ', data: '2025-10-15' }

  test('is read to the cent and trimmed', () => {
    expect(NovoLancamentoSchema.parse({ ...valid, referencia: ' NF-1 ' })).toEqual({
      valor: 15050n,
      tipo: 'CREDITO',
      descricao: 'Venda',
      data: '2025-10-15',
      referencia: 'NF-1',
    })
  })

  test.each([
    ['valor', undefined, 'obrigatório'],
    ['valor', 1, 'número decimal'],
    ['valor', '1e2', 'expoente'],
    ['tipo', 'credito', 'CREDITO ou DEBITO'],
    ['tipo', undefined, 'obrigatório'],
    ['descricao', ' ', 'vazio'],
    ['descricao', 5, 'texto'],
    ['data', '2025-02-29', 'calendário'],
    ['referencia', null, 'texto'],
    ['referencia', 'x'.repeat(129), '128'],
  ])('with %s = %j is refused, and the field is named', (campo, valor, message) => {
    const { error } = NovoLancamentoSchema.safeParse({ ...valid, [campo]: valor })
    expect(error?.issues).toMatchObject([{ path: [campo], message: expect.stringContaining(message) }])
  })

  test('with a field that we do not know, or that is no object, is refused', () => {
    expect(NovoLancamentoSchema.safeParse({ ...valid, Referencia: 'x' }).error?.issues).toMatchObject([
      { keys: ['Referencia'] },
    ])
    for (const valor of [null, [], 'x', 5]) {
      expect(NovoLancamentoSchema.safeParse(valor).error?.issues).toMatchObject([
        { message: expect.stringContaining('objeto') },
      ])
    }
  })
})
