import { expect, test } from 'vitest'
import { visibleCity } from './city.ts'

test.each([
  ['São Paulo/SP', 'São Paulo/SP'],
  ['SAO PAULO / SP', 'São Paulo/SP'],
  ['Sa\u0303o Paulo - SP', 'São Paulo/SP'],
  ['CDD BUTANTA - SAO PAULO / SP', 'São Paulo/SP'],
  ['Unidade de Tratamento, Curitiba/PR', 'Curitiba/PR'],
  ["Alta Floresta D'Oeste/RO", "Alta Floresta D'Oeste/RO"],
  ['MOJI-MIRIM/SP', 'Moji Mirim/SP'],
  ['Brasília/DF', 'Brasília/DF'],
])('%s is shown as %s', (text, visible) => {
  expect(visibleCity(text)).toBe(visible)
})

test.each([
  ['a message', 'Ana Souza, Rua das Flores 10, CPF 123.456.789-09. Pague a taxa em https://evil.example/pix'],
  ['a name in the place of a city', 'Ana Souza/SP'],
  ['words in the form of a place', 'Pague a taxa no site golpe ponto com/SP'],
  ['a city of another state', 'Curitiba/SP'],
  ['no state', 'São Paulo'],
  ['a state that is none', 'São Paulo/XX'],
  ['text after the place', 'São Paulo/SP https://evil.example'],
  ['a right-to-left override', '\u202ESão Paulo/SP'],
  ['a zero-width space', 'São\u200BPaulo/SP'],
  ['Cyrillic letters that look alike', 'S\u0430o P\u0430ulo/SP'],
  ['full-width letters', 'Ｓao Paulo/SP'],
  ['digits', 'São Paulo 123.456.789-09/SP'],
  ['markup', '<b>São Paulo</b>/SP'],
  ['a line break', 'Ana Souza\nSão Paulo/SP'],
  ['nothing', ''],
])('%s is not shown: %j', (_, text) => {
  expect(visibleCity(text)).toBeUndefined()
})

test('what stands before a city is never shown, and a long text costs no time', () => {
  expect(visibleCity('Ana Souza, Rua das Flores 10 - São Paulo/SP')).toBe('São Paulo/SP')
  const startedAt = performance.now()
  for (const long of ['a -'.repeat(100_000), 'a, '.repeat(100_000), ' '.repeat(100_000), 'a'.repeat(100_000)]) {
    expect(visibleCity(long)).toBeUndefined()
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
