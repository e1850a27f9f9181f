import { z } from 'zod'
import type { Service } from './services.ts'

/** One call of the documented contract. */
export type Operation = {
  service: Service
  method: string
  /** With `{parameters}`. */
  path: string
  parameters: readonly { in: string; name: string; schema: Schema }[]
  /** The schema of each body by its media type. */
  bodies: Readonly<Record<string, Schema>>
  /** For each status, a check of a JSON answer's body; undefined where the answer has another form. */
  answers: ReadonlyMap<number, ((body: unknown) => string | undefined) | undefined>
  /** The codes of its refusals. */
  codes: ReadonlySet<string>
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

type Ref = { $ref: string }
type Content = Readonly<Record<string, { schema: Schema }>>
type Answer = { content?: Content }
type Parameter = { in: string; name: string; schema: Schema }
type Document = {
  paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>
  components?: Readonly<Record<string, Readonly<Record<string, object>>>>
}
type RawOperation = {
  parameters?: (Parameter | Ref)[]
  requestBody?: { content: Content }
  responses: Readonly<Record<string, Answer | Ref>>
  'x-codigos'?: string[]
}

/** Which service answers at a path of the one document. */
export const serviceOf = (path: string): Operation['service'] => {
  if (/^\/(lancamentos|eventos)\b/.test(path)) return 'lancamentos'
  if (/^\/(webhooks|avisos)\b/.test(path)) return 'avisos'
  return /^\/(consolidado|saldos)\b/.test(path) ? 'consolidado' : 'entregas'
}

/** Whether a path is for services alone: it takes no merchant's token, and nginx does not lead to it. */
export const isOfServices = (path: string): boolean => path.endsWith('/eventos') || path === '/saldos'

/** Reads the operations of a service out of `/openapi.json`. */
export const operationsOf = (service: Operation['service'], document: unknown): Operation[] => {
  const { paths, components = {} } = document as Document
  const resolve = <T extends object>(part: T | Ref): T => {
    if (!('$ref' in part) || typeof part.$ref !== 'string') return part as T
    const [, , kind = '', name = ''] = part.$ref.split('/')
    return resolve((components[kind]?.[name] ?? {}) as T)
  }
  // JSON Schema keeps its definitions in `$defs`.
  const whole = (schema: Schema) =>
    JSON.parse(
      JSON.stringify({ ...schema, $defs: components['schemas'] }).replaceAll('#/components/schemas/', '#/$defs/'),
    )
  const checkOf = (schema: Schema) => {
    const checker = z.fromJSONSchema(whole(schema))
    return (body: unknown): string | undefined => {
      const { error } = checker.safeParse(body)
      return error && z.prettifyError(error)
    }
  }
  const own = Object.entries(paths).filter(([path]) => serviceOf(path) === service)
  return own.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody, responses, 'x-codigos': codes = [] }]) => ({
      service,
      method: method.toUpperCase(),
      path,
      parameters: parameters
        .map((parameter) => resolve<Parameter>(parameter))
        .map((parameter) => ({ ...parameter, schema: resolve<Schema>(parameter.schema) })),
      bodies: Object.fromEntries(
        Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, resolveDeep(schema, resolve)]),
      ),
      answers: new Map(
        Object.entries(responses).map(([status, answer]) => {
          const { content = {} } = resolve<Answer>(answer)
          const json = Object.entries(content).find(([type]) => /^application\/(problem\+)?json$/.test(type))
          return [Number(status), json && checkOf(json[1].schema)]
        }),
      ),
      codes: new Set(codes),
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
