import {
  type Answer,
  type Content,
  type Document,
  named,
  type OperationObject,
  type Parameter,
  type Ref,
  type Schema,
} from './types.ts'

type Resolve = <T extends object>(part: T | Ref) => T
type Sides = { was: Resolve; is: Resolve; broken: string[] }
/** Who sends what a schema describes: a field that is new and required breaks requests, one that is gone breaks both. */
type Direction = 'request' | 'answer'

/**
 * What a client of the document `was` can no longer rely on in `is`, a line each.
 *
 * Additions are no change for a client: operations, codes, answers' fields, optional parameters. Words and examples are not looked at.
 */
export function brokenPromises(was: Document, is: Document): string[] {
  const sides: Sides = { was: resolver(was), is: resolver(is), broken: [] }
  const now = new Map(locate(is).map((one) => [one.operation.operationId, one]))
  for (const { address, operation } of locate(was)) {
    const next = now.get(operation.operationId)
    if (next === undefined) sides.broken.push(`${operation.operationId}: removed`)
    else if (next.address !== address)
      sides.broken.push(`${operation.operationId}: moved from ${address} to ${next.address}`)
    else compareOperations(sides, operation, next.operation)
  }
  gone(sides, 'Problema', codesOf(was), codesOf(is), 'code')
  return sides.broken
}

const resolver =
  (document: Document): Resolve =>
  (part) => {
    if (!('$ref' in part) || typeof part.$ref !== 'string') return part as never
    const found = part.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document)
    return resolver(document)(found as never)
  }

const locate = ({ paths, webhooks }: Document) =>
  [...Object.entries(paths), ...Object.entries(webhooks)].flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ address: `${method.toUpperCase()} ${path}`, operation })),
  )

const codesOf = ({ components }: Document): string[] => {
  const { properties = {} } = named(components.schemas, 'Problema')
  return named(properties, 'codigo')['x-codigos'] as string[]
}

function compareOperations(sides: Sides, was: OperationObject, is: OperationObject): void {
  const at = was.operationId
  gone(sides, at, was['x-codigos'] ?? [], is['x-codigos'] ?? [], 'code')
  // Any one of them opens, and a call that needs none stays open.
  const opens = (is.security ?? []).map((one) => JSON.stringify(one))
  const lost = (was.security ?? []).filter((one) => !opens.includes(JSON.stringify(one)))
  if (lost.length > 0 || (was.security?.length === 0 && opens.length > 0)) sides.broken.push(`${at}: another scope`)
  compareParameters(sides, at, was.parameters ?? [], is.parameters ?? [])
  if (is.requestBody?.required === true && was.requestBody?.required !== true)
    sides.broken.push(`${at}: the body is required now`)
  compareContents(sides, `${at} body`, was.requestBody?.content ?? {}, is.requestBody?.content ?? {}, 'request')
  for (const [status, answer] of Object.entries(was.responses)) {
    const next = is.responses[status]
    if (next === undefined) sides.broken.push(`${at}: the answer ${status} is gone`)
    else compareAnswers(sides, `${at} ${status}`, sides.was<Answer>(answer), sides.is<Answer>(next))
  }
}

function compareParameters(
  sides: Sides,
  at: string,
  was: readonly (Parameter | Ref)[],
  is: readonly (Parameter | Ref)[],
): void {
  const keyed = (resolve: Resolve, parameters: readonly (Parameter | Ref)[]) =>
    new Map(parameters.map((one) => resolve<Parameter>(one)).map((one) => [`${one.in} ${one.name}`, one]))
  const [before, after] = [keyed(sides.was, was), keyed(sides.is, is)]
  gone(sides, at, [...before.keys()], [...after.keys()], 'parameter')
  for (const [key, parameter] of after) {
    const old = before.get(key)
    if (parameter.required === true && old?.required !== true)
      sides.broken.push(`${at}: the parameter ${key} is required now`)
    if (old !== undefined) compareSchemas(sides, `${at} ${key}`, old.schema, parameter.schema, 'request')
  }
}

function compareAnswers(sides: Sides, at: string, was: Answer, is: Answer): void {
  gone(sides, at, Object.keys(was.headers ?? {}), Object.keys(is.headers ?? {}), 'header')
  compareContents(sides, at, was.content ?? {}, is.content ?? {}, 'answer')
}

function compareContents(sides: Sides, at: string, was: Content, is: Content, direction: Direction): void {
  gone(sides, at, Object.keys(was), Object.keys(is), 'media type')
  for (const [type, { schema }] of Object.entries(was)) {
    const next = is[type]
    if (next !== undefined) compareSchemas(sides, at, schema, next.schema, direction)
  }
}

function compareSchemas(sides: Sides, at: string, one: Schema, other: Schema, direction: Direction): void {
  const [was, is] = [sides.was<Schema>(one), sides.is<Schema>(other)]
  if (JSON.stringify(was.type) !== JSON.stringify(is.type)) {
    sides.broken.push(`${at}: ${String(is.type)} instead of ${String(was.type)}`)
    return
  }
  if (direction === 'request')
    gone(sides, at, (was.enum ?? []).map(String), (is.enum ?? []).map(String), 'value', is.enum !== undefined)
  compareFields(sides, at, was, is, direction)
  if (was.items !== undefined && is.items !== undefined)
    compareSchemas(sides, `${at}[]`, was.items, is.items, direction)
  const alternatives = new Map((is.oneOf ?? []).map((schema) => [schema.$ref, schema]))
  for (const schema of was.oneOf ?? []) {
    const next = alternatives.get(schema.$ref)
    if (next === undefined) sides.broken.push(`${at}: ${String(schema.$ref)} is gone`)
    else compareSchemas(sides, at, schema, next, direction)
  }
}

function compareFields(sides: Sides, at: string, was: Schema, is: Schema, direction: Direction): void {
  const [before, after] = [was.properties ?? {}, is.properties ?? {}]
  gone(sides, at, Object.keys(before), Object.keys(after), 'field')
  const [needed, needs] = [was.required ?? [], is.required ?? []]
  if (direction === 'request') {
    for (const name of needs) if (!needed.includes(name)) sides.broken.push(`${at}: the field ${name} is required now`)
  } else {
    for (const name of needed)
      if (name in after && !needs.includes(name)) sides.broken.push(`${at}: the field ${name} may be missing now`)
  }
  for (const [name, schema] of Object.entries(before)) {
    const next = after[name]
    if (next !== undefined) compareSchemas(sides, `${at}.${name}`, schema, next, direction)
  }
}

/** Notes what was there and is not; where `bounded` is false, nothing is limited any more and so nothing is missing. */
function gone(
  sides: Sides,
  at: string,
  was: readonly string[],
  is: readonly string[],
  what: string,
  bounded = true,
): void {
  if (!bounded) return
  for (const name of was) if (!is.includes(name)) sides.broken.push(`${at}: the ${what} ${name} is gone`)
}
