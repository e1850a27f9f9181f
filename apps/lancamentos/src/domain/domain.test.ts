import { diaEmSaoPaulo, diaValido } from '@fluxo/shared/dia'
import { lerValor } from '@fluxo/shared/money'
import { cortar, motivoDeTexto } from '@fluxo/shared/texto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dadosDoEvento } from './evento.ts'
import { conteudoCanonico, impressaoDe } from './impressao.ts'
import type { Lancamento, Pedido } from './lancamento.ts'
import { PedidoSchema } from './pedido.ts'
import { lancamentoJson } from './resposta.ts'

describe('amounts', () => {
  test('every amount of up to two decimals is read to the exact cent', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 999_999_999_999_999n }), (centavos) => {
        const texto = `${centavos / 100n}.${(centavos % 100n).toString().padStart(2, '0')}`
        expect(lerValor(texto)).toBe(centavos)
        if (texto.endsWith('0')) expect(lerValor(texto.slice(0, -1))).toBe(centavos)
      }),
    )
  })

  test.each([
    ['0', 'nao-positivo'],
    ['0.00', 'nao-positivo'],
    ['-1', 'nao-positivo'],
    ['-1.5', 'nao-positivo'],
    ['1e2', 'formato'],
    ['1,50', 'formato'],
    ['NaN', 'formato'],
    ['', 'formato'],
    [' 1', 'formato'],
    ['.5', 'formato'],
    ['5.', 'formato'],
    ['007', 'formato'],
    ['+1', 'formato'],
    ['0x10', 'formato'],
    ['１', 'formato'],
    ['0.001', 'casas'],
    ['0.30000000000000004', 'casas'],
    ['10000000000000', 'maximo'],
    ['9999999999999999999999', 'maximo'],
  ])('%j is refused: %s', (texto, motivo) => expect(lerValor(texto)).toBe(motivo))
})

describe('days', () => {
  test('exactly the days of the calendar from 1900 to 2199 are days', () => {
    const dias = new Set<string>()
    for (let t = Date.UTC(1900, 0, 1); t < Date.UTC(2200, 0, 1); t += 86_400_000) {
      dias.add(new Date(t).toISOString().slice(0, 10))
    }
    for (let ano = 1899; ano <= 2200; ano += 1) {
      for (let mes = 0; mes <= 13; mes += 1) {
        for (let dia = 0; dia <= 32; dia += 1) {
          const texto = `${ano}-${String(mes).padStart(2, '0')}-${String(dia).padStart(2, '0')}`
          if (diaValido(texto) !== dias.has(texto)) throw new Error(texto)
        }
      }
    }
  })

  test('no other text is a day', () => {
    for (const texto of [
      '',
      '2025-1-01',
      '15/10/2025',
      '2025-10-15T00:00',
      '２025-10-15',
      '2025.10.15',
      '+025-10-15',
    ]) {
      expect(diaValido(texto)).toBe(false)
    }
    fc.assert(fc.property(fc.string(), (texto) => /^\d{4}-\d\d-\d\d$/.test(texto) || !diaValido(texto)))
  })

  test('today is the day of São Paulo, not of Greenwich', () => {
    expect(diaEmSaoPaulo(new Date('2025-10-16T02:59:59Z'))).toBe('2025-10-15')
    expect(diaEmSaoPaulo(new Date('2025-10-16T03:00:00Z'))).toBe('2025-10-16')
  })
})

describe('texts', () => {
  test('characters are counted, not UTF-16 units', () => {
    expect(motivoDeTexto('😀'.repeat(255), 255)).toBeUndefined()
    expect(motivoDeTexto('😀'.repeat(256), 255)).toContain('255')
    expect(motivoDeTexto('a'.repeat(256), 255)).toContain('255')
  })

  test('controls, lone surrogates and nothing at all are refused', () => {
    for (const texto of ['a\u0000b', 'a\nb', 'a\tb', 'a\u007fb', 'a\u0085b', 'a\ud800b']) {
      expect(motivoDeTexto(texto, 255)).toContain('controle')
    }
    expect(motivoDeTexto('', 255)).toBe('Não pode ser vazio.')
  })

  test('a cut text never ends in half a character', () => {
    expect(cortar(`${'a'.repeat(254)}😀😀`, 255)).toBe(`${'a'.repeat(254)}😀`)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '😀') }), (texto) => {
        const cortado = cortar(texto, 5)
        return cortado.isWellFormed() && [...cortado].length <= 5 && texto.startsWith(cortado)
      }),
    )
  })
})

const conteudo = fc.record({
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
    fc.property(conteudo, conteudo, (a, b) => {
      const iguais = (Object.keys(a) as (keyof typeof a)[]).every((campo) => a[campo] === b[campo])
      expect(conteudoCanonico(a) === conteudoCanonico(b)).toBe(iguais)
    }),
    { numRuns: 2_000 },
  )
})

test('a fingerprint never changes from one version of the code to the next', () => {
  const pedido: Pedido = { tipo: 'CREDITO', valor: 15050n, data: '2025-10-15', descricao: 'Venda', referencia: 'NF-1' }
  expect(impressaoDe(pedido)).toBe('116523d5b70a02ae66272f79e00743bd')
})

const registrado: Lancamento = {
  id: '0198aaaa-0000-7000-8000-000000000000',
  comercianteId: 'loja-1',
  tipo: 'DEBITO',
  valor: 5n,
  data: '2025-10-15',
  descricao: 'aspas " e \\ barra',
  createdAt: new Date('2025-10-15T12:34:56.789Z'),
}

test('an answer writes the amount with two decimals and only the fields that are there', () => {
  const texto = lancamentoJson(registrado)
  expect(texto).toContain('"valor":0.05,')
  expect(JSON.parse(texto)).toEqual({
    id: registrado.id,
    valor: 0.05,
    tipo: 'DEBITO',
    descricao: 'aspas " e \\ barra',
    data: '2025-10-15',
    created_at: '2025-10-15T12:34:56.789Z',
  })
  const outro = lancamentoJson({
    ...registrado,
    valor: 999_999_999_999_999n,
    referencia: 'NF"1',
    estorna: registrado.id,
  })
  expect(outro).toContain('"valor":9999999999999.99,')
  expect(JSON.parse(outro)).toMatchObject({ referencia: 'NF"1', estorna: registrado.id })
})

test('the event tells neither descricao nor absent fields', () => {
  expect(dadosDoEvento(registrado)).toEqual({
    id: registrado.id,
    comerciante_id: 'loja-1',
    tipo: 'DEBITO',
    valor: '0.05',
    data: '2025-10-15',
  })
  expect(dadosDoEvento({ ...registrado, referencia: 'r', estorna: registrado.id })).toMatchObject({
    referencia: 'r',
    estorna: registrado.id,
  })
})

describe('a request', () => {
  const bom = { valor: '150.50', tipo: 'CREDITO', descricao: '  Venda ', data: '2025-10-15' }

  test('is read to the cent and trimmed', () => {
    expect(PedidoSchema.parse({ ...bom, referencia: ' NF-1 ' })).toEqual({
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
  ])('with %s = %j is refused, and the field is named', (campo, valor, mensagem) => {
    const { error } = PedidoSchema.safeParse({ ...bom, [campo]: valor })
    expect(error?.issues).toMatchObject([{ path: [campo], message: expect.stringContaining(mensagem) }])
  })

  test('with a field that we do not know, or that is no object, is refused', () => {
    expect(PedidoSchema.safeParse({ ...bom, Referencia: 'x' }).error?.issues).toMatchObject([{ keys: ['Referencia'] }])
    for (const valor of [null, [], 'x', 5]) {
      expect(PedidoSchema.safeParse(valor).error?.issues).toMatchObject([
        { message: expect.stringContaining('objeto') },
      ])
    }
  })
})
