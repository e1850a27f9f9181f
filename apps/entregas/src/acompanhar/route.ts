import { DomainError, Unavailable } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type AppEnv, headerOf } from '@fluxo/shared/http/env'
import { documented, OF_READS } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { PedidoReadStore } from '../listar/store.ts'
import { notFound } from '../mover/mover.ts'
import { pedidoIdOf } from '../mover/route.ts'
import { PedidoIdParam } from '../receber/schema.ts'
import { OPENING, pointOf } from './acompanhar.ts'
import type { Audience, Listener } from './audience.ts'
import type { StreamSlots } from './stream-slots.ts'

type AcompanharDeps = {
  audience: Audience
  /** Places for the streams of merchants. */
  slots: StreamSlots
  reads: Pick<PedidoReadStore, 'byId'>
  verifier: Verifier
  limits?: Limits | undefined
}

const RETRY_AFTER_SECONDS = 5
/** Unread by a client before its stream ends: it comes back, and is told what it missed. */
const UNREAD_BYTES_MAX = 64 * 1024

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
export const STREAM_ANSWER = {
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
export function requestedPoint(c: Context<AppEnv>, { version }: { version: number }): number {
  const text = headerOf(c, 'last-event-id') ?? '0'
  const point = pointOf(text)
  if (point === undefined) throw new DomainError('cabecalho-invalido', 'Last-Event-ID deve ser o seq de um evento.')
  return Math.min(point, version)
}

/** Answers with a stream that lasts until the client leaves, cannot keep up, or this instance does. Throws 503 where there is no place. */
export function openStream(
  { audience, slots }: { audience: Audience; slots: StreamSlots },
  who: Omit<Listener, 'send' | 'close'>,
): Response {
  const release = slots.take(who)
  if (release === undefined) {
    throw new Unavailable('streams-demais', 'Há streams demais aqui. Tente de novo.', RETRY_AFTER_SECONDS)
  }
  const encoder = new TextEncoder()
  let leave = (): void => {}
  let isOpen = true
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(OPENING))
        leave = audience.join({
          ...who,
          send: (text) => {
            if (!isOpen || (controller.desiredSize ?? 0) < 0) return false
            controller.enqueue(encoder.encode(text))
            return true
          },
          close: () => {
            if (!isOpen) return
            isOpen = false
            release()
            controller.close()
          },
        })
      },
      cancel: () => {
        isOpen = false
        release()
        leave()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: UNREAD_BYTES_MAX }),
  )
  return new Response(body, { headers: HEADERS })
}

/** `GET /orders/{id}/stream`: what happens to an order, as it happens. */
export function createAcompanharRoutes(deps: AcompanharDeps): OpenAPIHono<AppEnv> {
  const { reads, verifier, limits } = deps
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
      scope: 'entregas:ler',
      codigos: [...OF_READS, 'cabecalho-invalido', 'nao-encontrado', 'streams-demais'],
      request: { params: PedidoIdParam, headers: STREAM_HEADERS_SCHEMA },
      responses: { 200: STREAM_ANSWER },
    },
    requireScope(verifier, 'entregas:ler', { admission: limits?.leitura }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const pedidoId = pedidoIdOf(c)
      const pedido = await reads.byId(comercianteId, pedidoId)
      if (pedido === undefined) throw notFound()
      const sentThrough = requestedPoint(c, pedido)
      return openStream(deps, { comercianteId, pedidoId, sentThrough, show: (item) => item })
    },
  )
  return routes
}
