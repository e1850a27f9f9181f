import { z } from 'zod'

/** One call of the documented contract. */
export type Operation = {
  service: 'lancamentos' | 'consolidado' | 'entregas'
  method: string
  /** With `{parameters}`. */
  path: string
  parameters: readonly { in: string; name: string; schema: Schema }[]
  /** The schema of each body by its media type. */
  bodies: Readonly<Record<string, Schema>>
  /** For each status, a check of a JSON answer's body; undefined where the answer has another form. */
  answers: ReadonlyMap<number, ((body: unknown) => string | undefined) | undefined>
}

export type Schema = {
  type?: string | readonly string[]
  enum?: readonly unknown[]
  format?: string
  pattern?: string
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  anyOf?: readonly Schema[]
  oneOf?: readonly Schema[]
  $ref?: string
  example?: unknown
}

type Content = Readonly<Record<string, { schema: Schema }>>
type Document = {
  paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>
  components?: { schemas?: Readonly<Record<string, Schema>> }
}
type RawOperation = {
  parameters?: { in: string; name: string; schema: Schema }[]
  requestBody?: { content: Content }
  responses: Readonly<Record<string, { content?: Content }>>
}

const REF = /^#\/components\/schemas\//

/** Reads the operations out of a service's `/openapi.json`. */
export const operationsOf = (service: Operation['service'], document: unknown): Operation[] => {
  const { paths, components = {} } = document as Document
  const schemas = components.schemas ?? {}
  const resolve = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : (schemas[schema.$ref.replace(REF, '')] ?? {})
  // JSON Schema keeps its definitions in `$defs`.
  const whole = (schema: Schema) =>
    JSON.parse(JSON.stringify({ ...schema, $defs: schemas }).replaceAll('#/components/schemas/', '#/$defs/'))
  const checkOf = (schema: Schema) => {
    const checker = z.fromJSONSchema(whole(schema))
    return (body: unknown): string | undefined => {
      const { error } = checker.safeParse(body)
      return error && z.prettifyError(error)
    }
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => ({
      service,
      method: method.toUpperCase(),
      path,
      parameters: parameters.map((parameter) => ({ ...parameter, schema: resolve(parameter.schema) })),
      bodies: Object.fromEntries(
        Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, resolveDeep(schema, resolve)]),
      ),
      answers: new Map(
        Object.entries(responses).map(([status, { content = {} }]) => {
          const json = content['application/json'] ?? content['application/problem+json']
          return [Number(status), json && checkOf(json.schema)]
        }),
      ),
    })),
  )
}

const resolveDeep = (schema: Schema, resolve: (schema: Schema) => Schema): Schema => {
  const { properties, items, ...rest } = resolve(schema)
  return {
    ...rest,
    ...(items && { items: resolveDeep(items, resolve) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [name, resolveDeep(one, resolve)]),
      ),
    }),
  }
}
