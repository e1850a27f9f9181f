import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import type { Audience } from '@fluxo/shared/live/audience'
import type { StreamSlots } from '@fluxo/shared/live/slots'
import { lastEventId, openStream, STREAM_HEADERS_SCHEMA, streamAnswer } from '@fluxo/shared/live/stream'
import { documented, OF_READS } from '@fluxo/shared/openapi/documented'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { PedidoReadStore } from '../listar/store.ts'
import { notFound } from '../mover/mover.ts'
import { pedidoIdOf } from '../mover/route.ts'
import { PedidoIdParam } from '../receber/schema.ts'

type AcompanharDeps = {
  audience: Audience
  /** Places for the streams of merchants. */
  slots: StreamSlots
  reads: Pick<PedidoReadStore, 'byId'>
  verifier: Verifier
  limits?: Limits | undefined
}

export const PEDIDO_STREAM = streamAnswer(
  'EventosAoVivo',
  'id é o seq, event é order.status, data é o evento em JSON',
  'id: 1\nevent: order.status\ndata: {"seq":1,"status":"RECEIVED"}\n\n',
)

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
      responses: { 200: PEDIDO_STREAM },
    },
    requireScope(verifier, 'entregas:ler', { admission: limits?.leitura }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const topic = pedidoIdOf(c)
      const pedido = await reads.byId(comercianteId, topic)
      if (pedido === undefined) throw notFound()
      const sentThrough = Math.min(lastEventId(c) ?? 0, pedido.version)
      return openStream(deps, { comercianteId, topic, sentThrough, show: ({ data }) => data })
    },
  )
  return routes
}
