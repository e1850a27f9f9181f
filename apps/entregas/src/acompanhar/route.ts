import { DomainError, Indisponivel } from '@fluxo/shared/errors'
import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type AppEnv, headerOf } from '@fluxo/shared/http/env'
import { documented, LEITURA } from '@fluxo/shared/http/openapi'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { LeituraStore } from '../listar/store.ts'
import { naoEncontrado } from '../mover/mover.ts'
import { idDe } from '../mover/route.ts'
import { IdDoPedido } from '../receber/schema.ts'
import { ABERTURA, pontoDe } from './acompanhar.ts'
import type { Ouvinte, Plateia } from './plateia.ts'
import type { Vagas } from './vagas.ts'

type AcompanharDeps = {
  plateia: Plateia
  /** Places for the streams of merchants. */
  vagas: Vagas
  leitura: Pick<LeituraStore, 'porId'>
  verifier: Verifier
  limites?: Limites | undefined
}

const RETRY_AFTER_SECONDS = 5
/** Unread by a client before its stream ends: it comes back, and is told what it missed. */
const ATRASO_BYTES_MAX = 64 * 1024

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would otherwise collect what is sent.
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
}

export const STREAM_HEADERS_SCHEMA = z.object({
  'Last-Event-ID': z
    .string()
    .optional()
    .openapi({ description: 'O seq do último evento recebido: continua depois dele.', example: '3' }),
})
export const STREAM_RESPOSTA = {
  description: 'Server-Sent Events: id é o seq, event é order.status, data é o evento em JSON',
  headers: headers('Cache-Control'),
  content: {
    'text/event-stream': {
      schema: z.string().openapi('EventosAoVivo', {
        description: 'Server-Sent Events.',
        example: 'id: 1\nevent: order.status\ndata: {"seq":1,"status":"RECEIVED"}\n\n',
      }),
    },
  },
}

/** Where the client wants to go on: after its last event, or the order's where that is earlier. Throws where the header is none of ours. */
export function pontoPedido(c: Context<AppEnv>, { version }: { version: number }): number {
  const texto = headerOf(c, 'last-event-id') ?? '0'
  const ponto = pontoDe(texto)
  if (ponto === undefined) throw new DomainError('cabecalho-invalido', 'Last-Event-ID deve ser o seq de um evento.')
  return Math.min(ponto, version)
}

/** Answers with a stream that lasts until the client leaves, cannot keep up, or this instance does. Throws 503 where there is no place. */
export function abrirStream(
  { plateia, vagas }: { plateia: Plateia; vagas: Vagas },
  quem: Omit<Ouvinte, 'enviar' | 'encerrar'>,
): Response {
  const soltar = vagas.ocupar(quem)
  if (soltar === undefined) {
    throw new Indisponivel('streams-demais', 'Há streams demais aqui. Tente de novo.', RETRY_AFTER_SECONDS)
  }
  const encoder = new TextEncoder()
  let sair = (): void => {}
  let aberto = true
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(ABERTURA))
        sair = plateia.entrar({
          ...quem,
          enviar: (texto) => {
            if (!aberto || (controller.desiredSize ?? 0) < 0) return false
            controller.enqueue(encoder.encode(texto))
            return true
          },
          encerrar: () => {
            if (!aberto) return
            aberto = false
            soltar()
            controller.close()
          },
        })
      },
      cancel: () => {
        aberto = false
        soltar()
        sair()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: ATRASO_BYTES_MAX }),
  )
  return new Response(body, { headers: HEADERS })
}

/** `GET /orders/{id}/stream`: what happens to an order, as it happens. */
export function createAcompanharRoutes(deps: AcompanharDeps): OpenAPIHono<AppEnv> {
  const { leitura, verifier, limites } = deps
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'get',
      path: '/orders/{id}/stream',
      operationId: 'acompanharPedido',
      tag: 'Entregas',
      summary: 'Acompanha um pedido ao vivo',
      description:
        'Começa pela história; com Last-Event-ID, depois dele. Nada falta e nada se repete, de qualquer instância.',
      escopo: 'entregas:ler',
      codigos: [...LEITURA, 'cabecalho-invalido', 'nao-encontrado', 'streams-demais'],
      request: { params: IdDoPedido, headers: STREAM_HEADERS_SCHEMA },
      responses: { 200: STREAM_RESPOSTA },
    },
    requireScope(verifier, 'entregas:ler', { admission: limites?.leitura }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const pedidoId = idDe(c)
      const pedido = await leitura.porId(comercianteId, pedidoId)
      if (pedido === undefined) throw naoEncontrado()
      const contadoAte = pontoPedido(c, pedido)
      return abrirStream(deps, { comercianteId, pedidoId, contadoAte, mostrar: (item) => item })
    },
  )
  return routes
}
