import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from './env.ts'

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

/** The document of all services, which `npm run openapi` makes of their routes. */
const DOCUMENT = new URL('../../docs/openapi.json', import.meta.url)

/**
 * `/openapi.json`, the same from every service, and `/docs`, Swagger UI from local files. Each is read when it is first asked for.
 *
 * One route per file, not `/docs/:arquivo`: beside a fixed path that is ambiguous to Hono's RegExpRouter, and *every* route of
 * the process would fall back to the slower TrieRouter.
 */
export function documentationRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const file = (
    path: string,
    read: () => Promise<Uint8Array<ArrayBuffer>>,
    headers: Readonly<Record<string, string>>,
  ) => {
    let bytes: Promise<Uint8Array<ArrayBuffer>> | undefined
    routes.get(path, async () => {
      bytes ??= read()
      return new Response(await bytes, { headers })
    })
  }
  file('/openapi.json', () => readFile(DOCUMENT), { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' })
  for (const [name, type] of Object.entries(ASSETS)) file(`/docs/${name}`, () => readAsset(name), headersOf(type))
  routes.get('/docs', () => new Response(PAGE, { headers: headersOf('text/html; charset=utf-8') }))
  routes.get(
    '/docs/inicio.js',
    () => new Response(INITIALIZER, { headers: headersOf('text/javascript; charset=utf-8') }),
  )
  return routes
}

const headersOf = (type: string) => ({ ...DOCS_HEADERS, 'Content-Type': type, 'Cache-Control': 'max-age=3600' })

function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  return readFile(join(root, name))
}
