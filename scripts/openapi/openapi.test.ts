import { readFileSync } from 'node:fs'
import { CODIGOS, isCodigo } from '@fluxo/shared/codigos/codigos'
import { SCOPES } from '@fluxo/shared/http/scopes'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openapiText } from '../openapi.ts'
import { type Content, type Document, operationsOf, type Schema } from './types.ts'

const TEXT = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')
const document: Document = JSON.parse(TEXT)
const { components } = document
const operations = operationsOf(document)
const calls = Object.values(document.paths).flatMap((methods) => Object.values(methods))

/** Every schema of the document, with where it stands. */
function* schemasIn(part: unknown, at = ''): Generator<[at: string, schema: Schema]> {
  if (typeof part !== 'object' || part === null) return
  const isSchema = /\/(schema|items|oneOf\/\d+|schemas\/\w+|properties\/\w+)$/.test(at)
  if (isSchema) yield [at, part as Schema]
  for (const [key, value] of Object.entries(part)) {
    if (key !== 'example' && key !== 'examples') yield* schemasIn(value, `${at}/${key}`)
  }
}
const SCHEMAS = [...schemasIn(document)]

/** What is wrong with an example, as the schema says; undefined where nothing is. */
const complaint = (schema: Schema, example: unknown): string | undefined => {
  const whole = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll('#/components/schemas/', '#/$defs/')
  const { error } = z.fromJSONSchema(JSON.parse(whole)).safeParse(example)
  return error && z.prettifyError(error)
}

test('docs/openapi.json is what the code gives: after a change, npm run openapi', async () => {
  expect(await openapiText()).toBe(TEXT)
})

test('every operation has a name of its own, verb and thing, and one described part that it belongs to', () => {
  expect(calls.length).toBeGreaterThan(30)
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  expect(document.tags.map(({ name }) => name)).toEqual([
    'Lançamentos',
    'Consolidado',
    'Entregas',
    'Rastreio',
    'Webhooks',
    'Eventos',
  ])
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const { operationId, tags: own } of operations) {
    expect(operationId).toMatch(/^[a-z]+([A-Z][a-z]*|[A-Z]?\d)+$/)
    expect([operationId, own.filter((tag) => tags.has(tag)).length, own.length]).toEqual([operationId, 1, 1])
  }
  expect(operations.map(({ operationId }) => operationId)).toEqual(
    expect.arrayContaining([
      'registrarLancamento',
      'registrarLote',
      'obterSaldoDoDia',
      'consultarPeriodo',
      'criarPedido',
    ]),
  )
})

test('every body and answer, and every object and alternative inside them, is a named component', () => {
  const contents = (content: Content = {}) => Object.values(content).map(({ schema }) => schema)
  for (const { operationId, requestBody, responses } of operations) {
    const schemas = [
      ...contents(requestBody?.content),
      ...Object.values(responses).flatMap((answer) => ('content' in answer ? contents(answer.content) : [])),
    ]
    expect([operationId, schemas.filter(({ $ref }) => $ref === undefined)]).toEqual([operationId, []])
  }
  const nested = SCHEMAS.filter(([at]) => !/^\/components\/schemas\/\w+$/.test(at))
  expect(nested.filter(([, { properties, oneOf }]) => properties !== undefined || oneOf !== undefined)).toEqual([])
  expect(operations.flatMap(({ parameters = [] }) => parameters).filter((one) => !('$ref' in one))).toEqual([])
})

test('alternatives are told apart by a field, and nothing is any of several things', () => {
  expect(SCHEMAS.filter(([, { anyOf, allOf }]) => anyOf !== undefined || allOf !== undefined)).toEqual([])
  const alternatives = SCHEMAS.filter(([, { oneOf }]) => oneOf !== undefined)
  expect(alternatives.map(([at]) => at)).toEqual(['/components/schemas/ItemDoLote'])
  for (const [at, { discriminator }] of alternatives)
    expect([at, discriminator?.propertyName]).toEqual([at, 'situacao'])
})

test('requests are closed, answers open', () => {
  const requests = new Set<string>()
  const reach = (schema: Schema): void => {
    const name = schema.$ref?.split('/').at(-1)
    if (name !== undefined && !requests.has(name)) {
      requests.add(name)
      reach(components.schemas[name] ?? {})
    }
    for (const one of [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])]) reach(one)
  }
  for (const { requestBody } of calls) for (const { schema } of Object.values(requestBody?.content ?? {})) reach(schema)
  const objects = Object.entries(components.schemas).filter(([, { type }]) => type === 'object')
  for (const [name, { additionalProperties }] of objects) {
    expect([name, additionalProperties]).toEqual([name, requests.has(name) ? false : undefined])
  }
})

test('every component is described and has an example that it accepts', () => {
  for (const [name, schema] of Object.entries(components.schemas)) {
    expect([name, schema.description === undefined, schema.example === undefined]).toEqual([name, false, false])
    expect([name, complaint(schema, schema.example)]).toEqual([name, undefined])
  }
  for (const [name, { description, example, schema }] of Object.entries(components.parameters)) {
    expect([name, description === undefined, example === undefined]).toEqual([name, false, false])
    expect([name, complaint(schema, example)]).toEqual([name, undefined])
  }
  for (const [name, { description, schema }] of Object.entries(components.headers)) {
    expect([name, description === undefined, complaint(schema, schema.example)]).toEqual([name, false, undefined])
  }
  for (const [name, { content = {} }] of Object.entries(components.responses)) {
    for (const { schema, example } of Object.values(content)) {
      expect([name, complaint(schema, example)]).toEqual([name, undefined])
    }
  }
})

test('an example that its schema does not accept is found', () => {
  const lancamento = components.schemas['Lancamento'] as Schema
  const example = lancamento.example as object
  expect(complaint(lancamento, example)).toBeUndefined()
  expect(complaint(lancamento, { ...example, valor: '150.50' })).toContain('valor')
  expect(complaint({ $ref: '#/components/schemas/NovoLancamento' }, { ...example })).toContain('nrecognized')
  expect(complaint({ $ref: '#/components/schemas/ItemDoLote' }, { linha: 1, situacao: 'outra' })).toBeDefined()
})

test('an operation says which scope it needs, and which codes it may answer, by their statuses', () => {
  for (const { operationId, security, responses, 'x-codigos': codes = [] } of calls) {
    const scopes = security?.flatMap((one) => Object.values(one).flat()) ?? []
    const open = ['obterPaginaDeRastreio', 'acompanharRastreio'].includes(operationId)
    expect([operationId, scopes.length > 0, codes.includes('token-ausente')]).toEqual([operationId, !open, !open])
    expect([operationId, scopes.every((scope) => Object.hasOwn(SCOPES, scope))]).toEqual([operationId, true])
    const statuses = codes.map((codigo) => {
      expect([operationId, codigo, isCodigo(codigo)]).toEqual([operationId, codigo, true])
      return String(CODIGOS[codigo as keyof typeof CODIGOS].status)
    })
    const refusals = Object.keys(responses).filter((status) => Number(status) >= 400)
    const told = open ? [...statuses, '404'] : statuses
    expect([operationId, new Set(refusals)]).toEqual([operationId, new Set(told)])
  }
})
