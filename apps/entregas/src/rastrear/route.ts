import { DomainError } from '@fluxo/shared/errors'
import { headers, json } from '@fluxo/shared/http/answers'
import { type Admission, requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type AppEnv, headerOf } from '@fluxo/shared/http/env'
import { asksForHtml } from '@fluxo/shared/http/html-page'
import { jsonText } from '@fluxo/shared/http/json'
import { documented, LEITURA, LIMITADO } from '@fluxo/shared/http/openapi'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { itemPublico } from '../acompanhar/acompanhar.ts'
import type { Plateia } from '../acompanhar/plateia.ts'
import { abrirStream, pontoPedido, STREAM_HEADERS_SCHEMA, STREAM_RESPOSTA } from '../acompanhar/route.ts'
import type { Vagas } from '../acompanhar/vagas.ts'
import type { LeituraStore } from '../listar/store.ts'
import { naoEncontrado } from '../mover/mover.ts'
import { idDe } from '../mover/route.ts'
import { IdDoPedido } from '../receber/schema.ts'
import { ESTILO } from './estilo.ts'
import { ESTILO_PATH, paginaDoRastreio, paginaNaoEncontrada, SCRIPT_PATH } from './pagina.ts'
import { rastreioDe } from './rastrear.ts'
import { SCRIPT } from './script.ts'
import type { RastreioStore } from './store.ts'
import { hashDoToken, novoToken } from './token.ts'

type RastrearDeps = {
  rastreios: RastreioStore
  leitura: Pick<LeituraStore, 'porId' | 'eventos'>
  plateia: Plateia
  /** Places for the streams of public pages. */
  vagas: Vagas
  /** Counts what is asked of a page; no limit without. */
  limiteDaPagina?: Admission | undefined
  verifier: Verifier
  limites?: Limites | undefined
}

/** Nothing but our own files, no frames, no forms; and the address, which is the key, is told to nobody. */
const SEGURANCA = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex, nofollow',
}
const HTML = { ...SEGURANCA, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }

const html = (texto: string, status = 200): Response => new Response(texto, { status, headers: HTML })
/** People are told so by a page, programs by a problem. */
async function naoHaPagina(c: Context<AppEnv>): Promise<Response> {
  if (!asksForHtml(headerOf(c, 'accept'))) {
    throw new DomainError('nao-encontrado', 'Este endereço não mostra nenhum pedido.')
  }
  return html(await paginaNaoEncontrada(), 404)
}
const arquivo = (texto: string, type: string) => (): Response =>
  new Response(texto, { headers: { ...SEGURANCA, 'Content-Type': type, 'Cache-Control': 'max-age=3600' } })

const TOKEN_DE_EXEMPLO = 'b0Zp3Qm1N5c7V9x2L4k6J8h0Gg1fD3s5Aa7Pp9Oo2Ii'

const TokenSchema = z
  .object({
    token: z.string(),
    url: z.string().openapi({ example: '/track/…', description: 'O caminho da página pública.' }),
  })
  .openapi('Rastreio', {
    description: 'A chave da página pública de um pedido.',
    example: { token: TOKEN_DE_EXEMPLO, url: `/track/${TOKEN_DE_EXEMPLO}` },
  })

const PaginaSchema = z.string().openapi('PaginaHtml', {
  description: 'Uma página para pessoas, em português.',
  example: '<!doctype html><html lang="pt-BR">…</html>',
})

/** The order's public page, and the key to it: `POST` and `DELETE /orders/{id}/tracking`, `GET /track/{token}`. */
export function createRastrearRoutes(deps: RastrearDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documentarChave(routes, deps)
  documentarPagina(routes, deps)
  routes.get(ESTILO_PATH, arquivo(ESTILO, 'text/css; charset=utf-8'))
  routes.get(SCRIPT_PATH, arquivo(SCRIPT, 'text/javascript; charset=utf-8'))
  return routes
}

function documentarChave(routes: OpenAPIHono<AppEnv>, { rastreios, leitura, verifier, limites }: RastrearDeps): void {
  const podeEscrever = requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita })
  const comum = {
    path: '/orders/{id}/tracking',
    tag: 'Rastreio',
    escopo: 'entregas:escrever',
    codigos: [...LEITURA, 'nao-encontrado'],
    request: { params: IdDoPedido },
  } as const
  const pedidoDo = async (c: Context<AppEnv>): Promise<string> => {
    const pedido = await leitura.porId(c.get('comercianteId'), idDe(c))
    if (pedido === undefined) throw naoEncontrado()
    return pedido.id
  }
  documented(
    routes,
    {
      ...comum,
      method: 'post',
      operationId: 'abrirRastreio',
      summary: 'Abre a página pública de um pedido',
      description: 'Um pedido tem um token por vez: um novo encerra o anterior. Ele só é mostrado nesta resposta.',
      responses: {
        201: json(TokenSchema, 'Aberta', 'Location', 'Cache-Control'),
      },
    },
    podeEscrever,
    async (c) => {
      const pedidoId = await pedidoDo(c)
      const token = novoToken()
      await rastreios.abrir(pedidoId, hashDoToken(token) ?? '')
      const url = `/track/${token}`
      return jsonText(JSON.stringify({ token, url }), 201, { Location: url, 'Cache-Control': 'no-store' })
    },
  )
  documented(
    routes,
    {
      ...comum,
      method: 'delete',
      operationId: 'fecharRastreio',
      summary: 'Fecha a página pública de um pedido',
      responses: { 204: { description: 'Fechada, ou nunca aberta', headers: headers() } },
    },
    podeEscrever,
    async (c) => {
      await rastreios.revogar(await pedidoDo(c))
      return new Response(null, { status: 204 })
    },
  )
}

function documentarPagina(
  routes: OpenAPIHono<AppEnv>,
  { rastreios, leitura, plateia, vagas, limiteDaPagina }: RastrearDeps,
): void {
  const params = z.object({
    token: z.string().openapi({ description: 'A chave da página.', example: TOKEN_DE_EXEMPLO }),
  })
  const abrir = async (c: Context<AppEnv>) => {
    const token = hashDoToken(c.req.param('token') ?? '')
    const rastreio = token === undefined ? undefined : await rastreios.porToken(token)
    if (token === undefined || rastreio === undefined) return undefined
    limiteDaPagina?.(c, rastreio.pedidoId)
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
      codigos: ['banco-indisponivel', 'nao-encontrado', ...LIMITADO],
      request: { params },
      responses: {
        200: {
          description: 'A página',
          headers: headers('Cache-Control'),
          content: { 'text/html': { schema: PaginaSchema } },
        },
        404: {
          description: 'O token não abre nenhum pedido: para pessoas (Accept: text/html), uma página',
          headers: headers(),
          content: {
            'text/html': { schema: PaginaSchema },
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problema' } },
          },
        },
      },
    },
    async (c) => {
      const aberto = await abrir(c)
      if (aberto === undefined) return naoHaPagina(c)
      const { comercianteId, pedidoId } = aberto
      // The history first: a status that is newer than it is told again by the stream, an older one would stay.
      const eventos = await leitura.eventos(comercianteId, pedidoId, 0)
      const status = eventos?.at(-1)?.status
      if (eventos === undefined || status === undefined) return naoHaPagina(c)
      return html(await paginaDoRastreio(rastreioDe(status, eventos)))
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
      codigos: ['banco-indisponivel', 'cabecalho-invalido', 'nao-encontrado', 'streams-demais', ...LIMITADO],
      request: { params, headers: STREAM_HEADERS_SCHEMA },
      responses: { 200: STREAM_RESPOSTA },
    },
    async (c) => {
      const aberto = await abrir(c)
      if (aberto === undefined) throw naoEncontrado()
      const pedido = await leitura.porId(aberto.comercianteId, aberto.pedidoId)
      const contadoAte = pontoPedido(c, pedido ?? { version: 0 })
      return abrirStream({ plateia, vagas }, { ...aberto, contadoAte, mostrar: itemPublico })
    },
  )
}
