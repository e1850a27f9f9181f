/** As much of a JSON schema as is looked at here. */
export type Schema = {
  $ref?: string
  type?: string | string[]
  description?: string
  example?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: unknown
  anyOf?: Schema[]
  allOf?: Schema[]
  oneOf?: Schema[]
  discriminator?: { propertyName: string }
  enum?: unknown[]
  [extension: `x-${string}`]: unknown
}

export type Parameter = {
  name: string
  in: string
  required?: boolean
  description?: string
  schema: Schema
  example?: unknown
  'x-component'?: string
}
export type Ref = { $ref: string }
export type Content = Record<string, { schema: Schema; example?: unknown }>
export type Answer = { description: string; headers?: Record<string, unknown>; content?: Content }

export type OperationObject = {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security?: Record<string, string[]>[]
  parameters?: (Parameter | Ref)[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, Answer | Ref>
  'x-codigos'?: string[]
}

type PathItem = Record<string, OperationObject>

/** As much of an OpenAPI 3.1 document as is looked at here. */
export type Document = {
  openapi: string
  info: { title: string; version: string }
  tags: { name: string; description: string }[]
  paths: Record<string, PathItem>
  webhooks: Record<string, PathItem>
  components: {
    schemas: Record<string, Schema>
    parameters: Record<string, Parameter>
    headers: Record<string, Answer & { schema: Schema }>
    responses: Record<string, Answer>
    securitySchemes: Record<string, unknown>
  }
}

/** Every operation of a document, webhooks too, by its id. */
export const operationsOf = ({ paths, webhooks }: Pick<Document, 'paths' | 'webhooks'>): OperationObject[] =>
  [...Object.values(paths), ...Object.values(webhooks)].flatMap((methods) => Object.values(methods))

/** What a record has under this name. Throws where it has nothing. */
export function named<T>(record: Readonly<Record<string, T>>, name: string): T {
  const found: T | undefined = record[name]
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}
