import type { RouteConfig, z } from '@hono/zod-openapi'

const text = (description: string, example: string) => ({ description, schema: { type: 'string' as const, example } })

/** Every header of an answer that the API document describes, by its name. */
export const HEADERS = {
  'Cache-Control': text('Quem pode guardar a resposta, e até quando.', 'private, no-cache'),
  'Content-Disposition': text('O nome do arquivo.', 'attachment; filename="lancamentos.csv"'),
  ETag: text('Muda quando a resposta muda; volta em If-None-Match.', '"1099511627777-loja-1"'),
  'Fluxo-Cache': text('hit, miss, stale (o banco está fora: o último valor conhecido) ou bypass.', 'hit'),
  'Fluxo-Posicao': text(
    'Onde o que foi escrito está no log: partição e posição, em lista se são várias. De pedidos, com o nome do log: pedidos:0:12.',
    '0:1234',
  ),
  'Fluxo-Saldo-Final': text('O saldo depois do período.', '1150.50'),
  'Fluxo-Saldo-Inicial': text('O saldo antes do período.', '1000.00'),
  'Idempotent-Replayed': text('true: a resposta é a de antes, da mesma Idempotency-Key.', 'true'),
  Location: text('O caminho do que foi criado.', '/lancamentos/019a1fbc-ba2f-7586-87df-5a5af2a5a67c'),
  'Preference-Applied': text('A espera que valeu.', 'wait=5'),
  RateLimit: text('O que resta, e em quantos segundos volta tudo.', '"escrita";r=0;t=2'),
  'RateLimit-Policy': text('Quanto cabe, em quantos segundos.', '"escrita";q=4000;w=2'),
  'Retry-After': text('Segundos até que valha a pena tentar de novo.', '2'),
  Vary: text('A resposta depende deste cabeçalho da requisição.', 'Accept'),
  'WWW-Authenticate': text('O que falta ao token (RFC 6750).', 'Bearer realm="fluxo", error="invalid_token"'),
  'X-Request-Id': text(
    'O id da requisição, também no log: o que foi enviado, ou um novo.',
    'b7e2a6f0-6f9c-4f7e-9d43-0a4f3f9f6c1d',
  ),
} as const

export type HeaderName = keyof typeof HEADERS

type Headers = NonNullable<Exclude<RouteConfig['responses'][string], { $ref: string }>['headers']>

/** `headers` of an answer: these, each described once for the whole document, and the one that every answer has. */
export const headers = (...names: readonly HeaderName[]): Headers =>
  Object.fromEntries(
    [...names, 'X-Request-Id' as const].map((name) => [name, { $ref: `#/components/headers/${idOf(name)}` }]),
  )

/** An answer in JSON, as a route declares it. */
export const json = (schema: z.ZodType, description: string, ...names: readonly HeaderName[]) => ({
  description,
  headers: headers(...names),
  content: { 'application/json': { schema } },
})

/** A header's or a parameter's name as the name of a component. */
export const idOf = (name: string): string =>
  name
    .split(/[-_.]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')
