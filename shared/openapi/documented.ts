import type { OpenAPIHono, RouteConfig, z } from '@hono/zod-openapi'
import type { Handler, MiddlewareHandler } from 'hono'
import { CODIGOS, type Codigo } from '../codigos/codigos.ts'
import type { AppEnv } from '../http/env.ts'
import type { Scope } from '../http/scopes.ts'

/** The parts of the API, in the order in which its document shows them. */
export type Tag = 'Lançamentos' | 'Consolidado' | 'Entregas' | 'Rastreio' | 'Webhooks' | 'Eventos'

/** One call as its route declares it: the document is made of these, and of the schemas that validate. */
export type Operation = Pick<RouteConfig, 'path' | 'request' | 'responses'> & {
  method: 'get' | 'post' | 'delete'
  /** Verb and thing, camelCase. For ever: generated clients call their functions so. */
  operationId: string
  tag: Tag
  summary: string
  description?: string
  /** The scope that the token must have; without it, the call needs no token. */
  scope?: Scope
  /** One that will do in its place. */
  orScope?: Scope
  /** What it may refuse with, beside what any address does and what its token may lack. */
  codigos: readonly Codigo[]
}

/** What any address may refuse with. */
const ANYWHERE = ['requisicao-malformada', 'endereco-invalido', 'iniciando', 'indisponivel'] as const satisfies Codigo[]
/** What a call with a token may refuse with. */
const OF_A_TOKEN = [
  'token-ausente',
  'token-invalido',
  'token-expirado',
  'escopo-ausente',
  'chaves-indisponiveis',
] as const satisfies Codigo[]
/** A call of a merchant is counted; one of a service is not. */
export const OF_LIMITS = ['requisicoes-demais'] as const satisfies Codigo[]
/** What a JSON body may be refused for. */
export const OF_JSON_BODY = [
  'json-invalido',
  'requisicao-interrompida',
  'requisicao-lenta',
  'corpos-demais',
  'corpo-grande-demais',
  'midia-nao-suportada',
  'dados-invalidos',
] as const satisfies Codigo[]
/** What an `Idempotency-Key` may be refused for. */
export const OF_KEY = ['cabecalho-invalido', 'chave-reutilizada'] as const satisfies Codigo[]
/** A log that cannot be written now. */
export const OF_WRITES = ['banco-indisponivel', 'fila-cheia', ...OF_LIMITS] as const satisfies Codigo[]
/** A database that cannot be read, or a table that cannot be written, now. */
export const OF_READS = ['banco-indisponivel', ...OF_LIMITS] as const satisfies Codigo[]

/** Every code that an operation may answer with, in order. */
const codesOf = ({ scope, codigos }: Pick<Operation, 'scope' | 'codigos'>): Codigo[] =>
  [...new Set<Codigo>([...ANYWHERE, ...(scope === undefined ? [] : OF_A_TOKEN), ...codigos])].sort((a, b) =>
    a.localeCompare(b),
  )

/** The `responses` of these codes: one problem document for each status, described once for the whole document. */
const problemsOf = (codigos: readonly Codigo[]): RouteConfig['responses'] =>
  Object.fromEntries(
    codigos.map((codigo) => {
      const { status } = CODIGOS[codigo]
      return [status, { $ref: `#/components/responses/Problema${status}` }]
    }),
  )

/**
 * Adds a route with its documentation, and nothing between them.
 *
 * `app.openapi` would also install zod-openapi's validators, which read the body without limit, round amounts to floating point
 * and build a full `Request`. Here the handler reads with `readJsonBody` and `parseWith`, from the same schema that is documented.
 *
 * @example
 * documented(routes, { method: 'get', path: '/orders/{id}', operationId: 'obterPedido', … }, mayRead, handler)
 */
export function documented(
  app: OpenAPIHono<AppEnv>,
  operation: Operation,
  ...handlers: readonly (MiddlewareHandler<AppEnv> | Handler<AppEnv>)[]
): void {
  const { tag, scope, orScope, codigos: _, responses, ...rest } = operation
  const codigos = codesOf(operation)
  app.openAPIRegistry.registerPath({
    ...rest,
    tags: [tag],
    security: [scope, orScope].flatMap((one) => (one === undefined ? [] : [{ bearer: [one] }])),
    // What an answer says of itself wins: a page that is not found is a page.
    responses: { ...problemsOf(codigos), ...responses },
    'x-codigos': codigos,
  })
  const path = operation.path.replaceAll(/\{(\w+)\}/g, ':$1')
  for (const handler of handlers) app.on(operation.method.toUpperCase(), path, handler)
}

/** A schema as the parameter `component` of the document; without, a parameter is called as its name is. */
export const parameter = <Schema extends z.ZodType>(component: string, schema: Schema): Schema =>
  schema.openapi({ param: { 'x-component': component } })
