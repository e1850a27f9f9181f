import { OpenAPIHono } from '@hono/zod-openapi'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DomainError } from '../errors.ts'
import { bodyStream, parseJsonExact, readJsonBody, readTextBody, requireContentType } from './body.ts'
import type { AppEnv } from './env.ts'
import { jsonText, rawNumber } from './json.ts'

test.each([
  ['{"valor": 0.1}', '0.1'],
  ['{"valor": 0.30000000000000001}', '0.30000000000000001'],
  ['{"valor":1e2}', '1e2'],
  ['{"valor"\n:\t-0 }', '-0'],
  ['{"valor": 9999999999999.99}', '9999999999999.99'],
  ['{"valor": "150.50"}', '150.50'],
  ['{"descricao":"a\\"valor\\": 1", "valor": 2.50}', '2.50'],
  ['{"tipo":"valor","valor":3.10}', '3.10'],
  ['{"val\\u006fr": 4.40}', '4.40'],
  ['{"valor": 1, "valor": 2.0}', '2.0'],
  ['{"x\\"valor": 1.10, "val\\u006fr": 2.20}', '2.20'],
  ['{"valor": null}', null],
])('the amount of %s keeps its source text', (text, valor) => {
  expect(parseJsonExact(text)).toMatchObject({ valor })
})

test('only the amount of the body itself is text; deeper ones are numbers like any other', () => {
  expect(parseJsonExact('{"a":{"valor":2.00},"valor":1.10,"n":1.10,"l":[{"valor":3.0}]}')).toEqual({
    a: { valor: 2 },
    valor: '1.10',
    n: 1.1,
    l: [{ valor: 3 }],
  })
})

test('the amount is what a reviver gives, for any JSON', () => {
  const key = fc.oneof(fc.constant('valor'), fc.constant('"valor"'), fc.constant('val\\u006fr'), fc.string())
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.double({ noNaN: true }), key, fc.constant(null), tie('object'), tie('array')),
    object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    array: fc.array(tie('value'), { maxLength: 3 }),
  }))
  const reviver = (name: string, given: unknown, context: { source?: string }) =>
    name === 'valor' && typeof given === 'number' ? context.source : given
  const parse = JSON.parse as (text: string, with_?: typeof reviver) => unknown
  const amountOf = (given: unknown) => (given as { valor?: unknown } | null)?.valor
  fc.assert(
    fc.property(value, fc.boolean(), fc.boolean(), (given, indented, escaped) => {
      const written = JSON.stringify(given, null, indented ? 2 : 0)
      // The key itself written with an escape, wherever it stands.
      const text = escaped ? written.replaceAll('"valor"', '"val\\u006fr"') : written
      const expected = parse(text)
      const amount = amountOf(parse(text, reviver))
      if (typeof amountOf(expected) === 'number') Object.assign(expected as object, { valor: amount })
      expect(parseJsonExact(text)).toEqual(expected)
    }),
  )
})

test.each(['', '{', '{"valor": 01}', '{"valor":1}{}', '{"valor":1,}', 'undefined', '['.repeat(100_000)])(
  'the text %.20j is refused as JSON, never as our error',
  (text) => {
    expect(() => parseJsonExact(text)).toThrow(expect.objectContaining({ codigo: 'json-invalido' }))
  },
)

test('a __proto__ key is an own key and changes no prototype', () => {
  const body = parseJsonExact('{"valor":1.5,"__proto__":{"admin":true}}')
  expect(Object.keys(body as object)).toContain('__proto__')
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
})

test('numbers can be written as JSON exactly as their text', () => {
  expect(JSON.stringify({ valor: rawNumber('150.50') })).toBe('{"valor":150.50}')
})

const app = new OpenAPIHono<AppEnv>()
app.onError((error) =>
  jsonText(JSON.stringify({ codigo: error instanceof DomainError ? error.codigo : String(error) })),
)
app.post('/json', async (c) => jsonText(JSON.stringify(await readJsonBody(c, { bytesMax: 100 }))))
app.post('/texto', async (c) => {
  const type = requireContentType(c, ['text/csv', 'application/x-ndjson'])
  return jsonText(JSON.stringify({ type, text: await readTextBody(c, { bytesMax: 100 }) }))
})
app.post('/fluxo', async (c) => {
  let bytes = 0
  for await (const chunk of bodyStream(c)) bytes += chunk.byteLength
  return jsonText(`${bytes}`)
})

const post = async (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
  (await app.request(path, { method: 'POST', body, headers })).json()
const JSON_TYPE = { 'Content-Type': 'application/json' }

test('JSON is read also with a charset and a byte order mark', async () => {
  expect(await post('/json', '\ufeff{"a":1}', { 'Content-Type': 'Application/JSON; charset=utf-8' })).toEqual({ a: 1 })
})

test.each([
  ['text/plain', {}],
  ['', {}],
  ['application/json', { 'Content-Encoding': 'gzip' }],
])('a body of type %j is refused as 415', async (type, headers) => {
  const answer = await post('/json', '{}', { 'Content-Type': type, ...headers })
  expect(answer).toEqual({ codigo: 'midia-nao-suportada' })
})

test('a body above the limit is refused, whether its length is declared or not', async () => {
  const large = JSON.stringify('x'.repeat(200))
  expect(await post('/json', large, JSON_TYPE)).toEqual({ codigo: 'corpo-grande-demais' })
  expect(await post('/json', '{}', { ...JSON_TYPE, 'Content-Length': '101' })).toEqual({
    codigo: 'corpo-grande-demais',
  })
})

test('bytes that are not UTF-8 are refused instead of replaced', async () => {
  expect(await post('/json', new Uint8Array([0x22, 0xff, 0x22]), JSON_TYPE)).toEqual({ codigo: 'json-invalido' })
})

test('other media types are read as text, and bodies of any size as a stream', async () => {
  const answer = await post('/texto', 'a;b', { 'Content-Type': 'text/csv;header=present' })
  expect(answer).toEqual({ type: 'text/csv', text: 'a;b' })
  expect(await post('/fluxo', 'x'.repeat(1000), {})).toBe(1000)
  expect(await (await app.request('/fluxo', { method: 'POST' })).json()).toBe(0)
})
