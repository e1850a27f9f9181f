import { DomainError } from '@fluxo/shared/errors'
import { type Admission, requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type AppEnv, headerOf } from '@fluxo/shared/http/env'
import { asksForHtml } from '@fluxo/shared/http/html-page'
import { jsonText } from '@fluxo/shared/http/json'
import type { Audience } from '@fluxo/shared/live/audience'
import type { StreamSlots } from '@fluxo/shared/live/slots'
import { lastEventId, openStream, STREAM_HEADERS_SCHEMA } from '@fluxo/shared/live/stream'
import { documented, OF_LIMITS, OF_READS } from '@fluxo/shared/openapi/documented'
import { headers, json } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { publicItem } from '../acompanhar/acompanhar.ts'
import { PEDIDO_STREAM } from '../acompanhar/route.ts'
import type { PedidoReadStore } from '../listar/store.ts'
import { notFound } from '../mover/mover.ts'
import { pedidoIdOf } from '../mover/route.ts'
import { PedidoIdParam } from '../receber/schema.ts'
import { notFoundPage, rastreioPage, SCRIPT_PATH, STYLE_PATH } from './page.ts'
import { rastreioOf } from './rastrear.ts'
import { SCRIPT } from './script.ts'
import type { RastreioStore } from './store.ts'
import { STYLE } from './style.ts'
import { newToken, tokenHash } from './token.ts'

type RastrearDeps = {
  rastreios: RastreioStore
  reads: Pick<PedidoReadStore, 'byId' | 'eventos'>
  audience: Audience
  /** Places for the streams of public pages. */
  slots: StreamSlots
  /** Counts what is asked of a page; no limit without. */
  pageLimit?: Admission | undefined
  verifier: Verifier
  limits?: Limits | undefined
}

/** Nothing but our own files, no frames, no forms; and the address, which is the key, is told to nobody. */
const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex, nofollow',
}
const HTML = { ...SECURITY, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }

const html = (text: string, status = 200): Response => new Response(text, { status, headers: HTML })
/** People are told so by a page, programs by a problem. */
async function noPage(c: Context<AppEnv>): Promise<Response> {
  if (!asksForHtml(headerOf(c, 'accept'))) {
    throw new DomainError('nao-encontrado', 'Este endereço não mostra nenhum pedido.')
  }
  return html(await notFoundPage(), 404)
}
const file = (text: string, type: string) => (): Response =>
  new Response(text, { headers: { ...SECURITY, 'Content-Type': type, 'Cache-Control': 'max-age=3600' } })

const TOKEN_EXAMPLE = 'b0Zp3Qm1N5c7V9x2L4k6J8h0Gg1fD3s5Aa7Pp9Oo2Ii'

const TokenSchema = z
  .object({
    token: z.string(),
    url: z.string().openapi({ example: '/track/…', description: 'O caminho da página pública.' }),
  })
  .openapi('Rastreio', {
    description: 'A chave da página pública de um pedido.',
    example: { token: TOKEN_EXAMPLE, url: `/track/${TOKEN_EXAMPLE}` },
  })

const PageSchema = z.string().openapi('PaginaHtml', {
  description: 'Uma página para pessoas, em português.',
  example: '<!doctype html><html lang="pt-BR">…</html>',
})

/** The order's public page, and the key to it: `POST` and `DELETE /orders/{id}/tracking`, `GET /track/{token}`. */
export function createRastrearRoutes(deps: RastrearDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documentToken(routes, deps)
  documentPage(routes, deps)
  routes.get(STYLE_PATH, file(STYLE, 'text/css; charset=utf-8'))
  routes.get(SCRIPT_PATH, file(SCRIPT, 'text/javascript; charset=utf-8'))
  return routes
}

function documentToken(routes: OpenAPIHono<AppEnv>, { rastreios, reads, verifier, limits }: RastrearDeps): void {
  const mayWrite = requireScope(verifier, 'entregas:escrever', { admission: limits?.escrita })
  const common = {
    path: '/orders/{id}/tracking',
    tag: 'Rastreio',
    scope: 'entregas:escrever',
    codigos: [...OF_READS, 'nao-encontrado'],
    request: { params: PedidoIdParam },
  } as const
  const ownPedidoId = async (c: Context<AppEnv>): Promise<string> => {
    const pedido = await reads.byId(c.get('comercianteId'), pedidoIdOf(c))
    if (pedido === undefined) throw notFound()
    return pedido.id
  }
  documented(
    routes,
    {
      ...common,
      method: 'post',
      operationId: 'abrirRastreio',
      summary: 'Abre a página pública de um pedido',
      description: 'Um pedido tem um token por vez: um novo encerra o anterior. Ele só é mostrado nesta resposta.',
      responses: {
        201: json(TokenSchema, 'Aberta', 'Location', 'Cache-Control'),
      },
    },
    mayWrite,
    async (c) => {
      const pedidoId = await ownPedidoId(c)
      const token = newToken()
      await rastreios.open(pedidoId, tokenHash(token) ?? '')
      const url = `/track/${token}`
      return jsonText(JSON.stringify({ token, url }), 201, { Location: url, 'Cache-Control': 'no-store' })
    },
  )
  documented(
    routes,
    {
      ...common,
      method: 'delete',
      operationId: 'fecharRastreio',
      summary: 'Fecha a página pública de um pedido',
      responses: { 204: { description: 'Fechada, ou nunca aberta', headers: headers() } },
    },
    mayWrite,
    async (c) => {
      await rastreios.revoke(await ownPedidoId(c))
      return new Response(null, { status: 204 })
    },
  )
}

function documentPage(
  routes: OpenAPIHono<AppEnv>,
  { rastreios, reads, audience, slots, pageLimit }: RastrearDeps,
): void {
  const params = z.object({
    token: z.string().openapi({ description: 'A chave da página.', example: TOKEN_EXAMPLE }),
  })
  const open = async (c: Context<AppEnv>) => {
    const token = tokenHash(c.req.param('token') ?? '')
    const rastreio = token === undefined ? undefined : await rastreios.byToken(token)
    if (token === undefined || rastreio === undefined) return undefined
    pageLimit?.(c, rastreio.pedidoId)
    return { ...rastreio, token }
  }
  documented(
    routes,
    {
      method: 'get',
      path: '/track/{token}',
      operationId: 'obterPaginaDeRastreio',
      tag: 'Rastreio',
      summary: 'A página pública de um pedido, sem dados pessoais',
      description: 'Quem tem o endereço vê a página: nenhum token de comerciante é pedido.',
      codigos: ['banco-indisponivel', 'nao-encontrado', ...OF_LIMITS],
      request: { params },
      responses: {
        200: {
          description: 'A página',
          headers: headers('Cache-Control'),
          content: { 'text/html': { schema: PageSchema } },
        },
        404: {
          description: 'O token não abre nenhum pedido: para pessoas (Accept: text/html), uma página',
          headers: headers(),
          content: {
            'text/html': { schema: PageSchema },
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problema' } },
          },
        },
      },
    },
    async (c) => {
      const opened = await open(c)
      if (opened === undefined) return noPage(c)
      const { comercianteId, pedidoId } = opened
      // The history first: a status that is newer than it is told again by the stream, an older one would stay.
      const eventos = await reads.eventos(comercianteId, pedidoId, 0)
      const status = eventos?.at(-1)?.status
      if (eventos === undefined || status === undefined) return noPage(c)
      return html(await rastreioPage(rastreioOf(status, eventos)))
    },
  )
  documented(
    routes,
    {
      method: 'get',
      path: '/track/{token}/stream',
      operationId: 'acompanharRastreio',
      tag: 'Rastreio',
      summary: 'Acompanha um pedido ao vivo, sem dados pessoais',
      codigos: ['banco-indisponivel', 'cabecalho-invalido', 'nao-encontrado', 'streams-demais', ...OF_LIMITS],
      request: { params, headers: STREAM_HEADERS_SCHEMA },
      responses: { 200: PEDIDO_STREAM },
    },
    async (c) => {
      const opened = await open(c)
      if (opened === undefined) throw notFound()
      const { comercianteId, pedidoId: topic, token } = opened
      const pedido = await reads.byId(comercianteId, topic)
      const sentThrough = Math.min(lastEventId(c) ?? 0, pedido?.version ?? 0)
      return openStream(
        { audience, slots },
        { comercianteId, topic, token, sentThrough, show: ({ data }) => publicItem(data) },
      )
    },
  )
}
