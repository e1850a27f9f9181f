import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Handler, MiddlewareHandler } from 'hono'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'

/** The RFC 9457 document of every refusal, as the OpenAPI component `Problema`. */
export const ProblemaSchema = z
  .looseObject({
    type: z.string().describe('Referência do tipo de problema.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('O que aconteceu, em português.'),
    instance: z.string().describe('O caminho da requisição.'),
    codigo: z.string().describe('Código estável, para programas.'),
    erros: z.array(z.object({ campo: z.string(), mensagem: z.string() })).optional(),
  })
  .openapi('Problema')

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'A requisição não pôde ser lida',
  401: 'Sem token válido; veja WWW-Authenticate',
  403: 'O token não tem o escopo necessário',
  404: 'Não encontrado',
  408: 'O corpo demorou demais a chegar',
  409: 'Conflito com o que já existe',
  413: 'Corpo grande demais',
  415: 'Tipo de conteúdo não aceito',
  422: 'Conteúdo recusado; veja codigo e erros',
  429: 'Requisições demais deste comerciante ou desta página; veja Retry-After',
  503: 'Indisponível por ora; veja Retry-After',
}

const RetryAfterSchema = z.string().openapi({ description: 'Segundos até que valha a pena tentar de novo.' })
/** Headers of the answers with these statuses. */
const HEADERS: Readonly<Record<number, z.ZodObject>> = {
  401: z.object({ 'WWW-Authenticate': z.string() }),
  429: z.object({
    'Retry-After': RetryAfterSchema,
    RateLimit: z.string().openapi({ example: '"escrita";r=0;t=2', description: 'O que resta e quando volta tudo.' }),
    'RateLimit-Policy': z.string().openapi({ example: '"escrita";q=4000;w=2' }),
  }),
  503: z.object({ 'Retry-After': RetryAfterSchema }),
}

/** The `responses` of a route for these problem statuses: `responses: { 201: …, ...problemas(401, 422) }`. */
export const problemas = (...statuses: readonly number[]): RouteConfig['responses'] =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: DESCRIPTIONS[status] ?? 'Recusado',
        ...(HEADERS[status] !== undefined && { headers: HEADERS[status] }),
        content: { 'application/problem+json': { schema: ProblemaSchema } },
      },
    ]),
  )

/**
 * Adds a route with its documentation, and nothing between them.
 *
 * `app.openapi` would also install zod-openapi's validators, which read the body without limit, round amounts to floating point
 * and build a full `Request`. Here the handler reads with `readJsonBody` and `parseWith`, from the same schema that is documented.
 */
export function documented(
  app: OpenAPIHono<AppEnv>,
  route: RouteConfig,
  ...handlers: readonly (MiddlewareHandler<AppEnv> | Handler<AppEnv>)[]
): void {
  app.openAPIRegistry.registerPath(route)
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
  for (const handler of handlers) app.on(route.method.toUpperCase(), path, handler)
}

/** What a route that needs a token declares: `security: BEARER`. */
export const BEARER: { [scheme: string]: string[] }[] = [{ bearerAuth: [] }]

const VERSION = '1.0.0'

/** Everything from this server, nothing inline but what Swagger UI's own script styles. */
const DOCS_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** The files of swagger-ui-dist that a page needs; nothing else of the package is served. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

const PAGE = `<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fluxo: documentação da API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/inicio.js"></script>
</body>
</html>
`

const INITIALIZER = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
})
`

/**
 * `/openapi.json`, generated from the registered routes once, and `/docs`, Swagger UI from local files.
 *
 * One route per file, not `/docs/:arquivo`: beside a fixed path that is ambiguous to Hono's RegExpRouter, and *every* route of
 * the process would fall back to the slower TrieRouter.
 */
export function documentationRoutes({ documents, service }: { documents: OpenAPIHono<AppEnv>; service: string }) {
  let text: string | undefined
  const routes = new OpenAPIHono<AppEnv>()
  routes.get('/openapi.json', () => {
    text ??= JSON.stringify(documentOf(documents, service))
    return jsonText(text, 200, { 'Cache-Control': 'no-cache' })
  })
  routes.get('/docs', () => page(PAGE, 'text/html; charset=utf-8'))
  routes.get('/docs/inicio.js', () => page(INITIALIZER, 'text/javascript; charset=utf-8'))
  for (const [name, type] of Object.entries(ASSETS)) {
    let file: Promise<Uint8Array<ArrayBuffer>> | undefined
    routes.get(`/docs/${name}`, async () => {
      file ??= readAsset(name)
      return page(await file, type)
    })
  }
  return routes
}

const page = (body: string | Uint8Array<ArrayBuffer>, type: string): Response =>
  new Response(body, { headers: { ...DOCS_HEADERS, 'Content-Type': type, 'Cache-Control': 'max-age=3600' } })

function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  return readFile(join(root, name))
}

function documentOf(documents: OpenAPIHono<AppEnv>, service: string) {
  documents.openAPIRegistry.registerComponent('securitySchemes', 'bearerAuth', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'JWT com comerciante_id e scope.',
  })
  documents.openAPIRegistry.register('Problema', ProblemaSchema)
  return documents.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Fluxo: fluxo de caixa diário',
      version: VERSION,
      description: `Lançamentos de crédito e débito e o consolidado de cada dia. Serviço: ${service}.`,
    },
    servers: [{ url: '/' }],
  })
}
