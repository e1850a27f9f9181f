import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { createPages } from '@fluxo/shared/http/page/page'
import { parametersOf } from '@fluxo/shared/http/page/query'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_READS } from '@fluxo/shared/openapi/documented'
import { json } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { eventoJson } from '../domain/evento.ts'
import type { Pedido } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/pedido-json.ts'
import { notFound } from '../mover/mover.ts'
import { pedidoIdOf } from '../mover/route.ts'
import { PedidoSchema } from '../mover/schema.ts'
import { PedidoIdParam } from '../receber/schema.ts'
import { cursorScope, filtersOf } from './listar.ts'
import { AfterSchema, PedidoEventosSchema, PedidosPageSchema, QuerySchema } from './schema.ts'
import type { PedidoReadStore } from './store.ts'

export type ListPedidosDeps = {
  reads: PedidoReadStore
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
}

/** `GET /orders`, `GET /orders/{id}` and `GET /orders/{id}/events`: the merchant's own orders, and nobody else's. */
export function createListarRoutes({ reads, verifier, limits, cursorSecret }: ListPedidosDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const mayRead = requireScope(verifier, 'entregas:ler', { admission: limits?.leitura })
  const common = { method: 'get', tag: 'Entregas', scope: 'entregas:ler' } as const
  documentList(routes, mayRead, { reads, cursorSecret })
  documented(
    routes,
    {
      ...common,
      path: '/orders/{id}',
      operationId: 'obterPedido',
      summary: 'Lê um pedido',
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: PedidoIdParam },
      responses: { 200: json(PedidoSchema, 'O pedido como está') },
    },
    mayRead,
    async (c) => {
      const pedido = await reads.byId(c.get('comercianteId'), pedidoIdOf(c))
      if (pedido === undefined) throw notFound()
      return jsonText(pedidoJson(pedido))
    },
  )
  documented(
    routes,
    {
      ...common,
      path: '/orders/{id}/events',
      operationId: 'listarEventosDoPedido',
      summary: 'Lê a história de um pedido, em ordem',
      codigos: [...OF_READS, 'nao-encontrado', 'dados-invalidos'],
      request: { params: PedidoIdParam, query: AfterSchema },
      responses: { 200: json(PedidoEventosSchema, 'Os eventos') },
    },
    mayRead,
    async (c) => {
      const { after } = parseWith(AfterSchema, parametersOf(c.req.url))
      const eventos = await reads.eventos(c.get('comercianteId'), pedidoIdOf(c), after)
      if (eventos === undefined) throw notFound()
      return jsonText(JSON.stringify(eventos.map(eventoJson)))
    },
  )
  return routes
}

function documentList(
  routes: OpenAPIHono<AppEnv>,
  mayRead: ReturnType<typeof requireScope>,
  { reads, cursorSecret }: Pick<ListPedidosDeps, 'reads' | 'cursorSecret'>,
): void {
  const page = createPages<Pedido>({
    cursorSecret,
    purpose: 'pedidos',
    pointOf: ({ createdAt, id }) => [createdAt.toISOString(), id],
    json: pedidoJson,
  })
  documented(
    routes,
    {
      method: 'get',
      path: '/orders',
      operationId: 'listarPedidos',
      tag: 'Entregas',
      summary: 'Lista pedidos, do mais novo para o mais antigo',
      scope: 'entregas:ler',
      codigos: [...OF_READS, 'cursor-invalido', 'dados-invalidos'],
      request: { query: QuerySchema },
      responses: { 200: json(PedidosPageSchema, 'Uma página; proximo é null na última') },
    },
    mayRead,
    async (c) => {
      const query = parseWith(QuerySchema, parametersOf(c.req.url))
      const filters = filtersOf(query)
      const comercianteId = c.get('comercianteId')
      return page({
        query,
        scope: cursorScope(comercianteId, filters),
        read: (after, count) => reads.listar(comercianteId, filters, after, count),
      })
    },
  )
}
