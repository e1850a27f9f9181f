import { json } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type Cursor, createCursor } from '@fluxo/shared/http/cursor'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { documented, LEITURA } from '@fluxo/shared/http/openapi'
import { parametrosDe } from '@fluxo/shared/http/query'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { eventoJson } from '../domain/evento.ts'
import { pedidoJson } from '../domain/resposta.ts'
import { naoEncontrado } from '../mover/mover.ts'
import { idDe } from '../mover/route.ts'
import { PedidoSchema } from '../mover/schema.ts'
import { IdDoPedido } from '../receber/schema.ts'
import { escopoDoCursor, filtrosDe, lerPonto, paginar, textoDoPonto } from './listar.ts'
import { ConsultaSchema, DepoisSchema, EventosDoPedidoSchema, LIMITE_PADRAO, PaginaDePedidosSchema } from './schema.ts'
import type { LeituraStore } from './store.ts'

export type ListarDeps = {
  leitura: LeituraStore
  verifier: Verifier
  limites?: Limites | undefined
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
}

/** `GET /orders`, `GET /orders/{id}` and `GET /orders/{id}/events`: the merchant's own orders, and nobody else's. */
export function createListarRoutes({ leitura, verifier, limites, cursorSecret }: ListarDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const podeLer = requireScope(verifier, 'entregas:ler', { admission: limites?.leitura })
  const comum = { method: 'get', tag: 'Entregas', escopo: 'entregas:ler' } as const
  documentarLista(routes, podeLer, leitura, createCursor({ segredo: cursorSecret, uso: 'pedidos' }))
  documented(
    routes,
    {
      ...comum,
      path: '/orders/{id}',
      operationId: 'obterPedido',
      summary: 'Lê um pedido',
      codigos: [...LEITURA, 'nao-encontrado'],
      request: { params: IdDoPedido },
      responses: { 200: json(PedidoSchema, 'O pedido como está') },
    },
    podeLer,
    async (c) => {
      const pedido = await leitura.porId(c.get('comercianteId'), idDe(c))
      if (pedido === undefined) throw naoEncontrado()
      return jsonText(pedidoJson(pedido))
    },
  )
  documented(
    routes,
    {
      ...comum,
      path: '/orders/{id}/events',
      operationId: 'listarEventosDoPedido',
      summary: 'Lê a história de um pedido, em ordem',
      codigos: [...LEITURA, 'nao-encontrado', 'dados-invalidos'],
      request: { params: IdDoPedido, query: DepoisSchema },
      responses: { 200: json(EventosDoPedidoSchema, 'Os eventos') },
    },
    podeLer,
    async (c) => {
      const { after } = parseWith(DepoisSchema, parametrosDe(c.req.url))
      const eventos = await leitura.eventos(c.get('comercianteId'), idDe(c), after)
      if (eventos === undefined) throw naoEncontrado()
      return jsonText(JSON.stringify(eventos.map(eventoJson)))
    },
  )
  return routes
}

function documentarLista(
  routes: OpenAPIHono<AppEnv>,
  podeLer: ReturnType<typeof requireScope>,
  leitura: LeituraStore,
  cursor: Cursor,
): void {
  documented(
    routes,
    {
      method: 'get',
      path: '/orders',
      operationId: 'listarPedidos',
      tag: 'Entregas',
      summary: 'Lista pedidos, do mais novo para o mais antigo',
      escopo: 'entregas:ler',
      codigos: [...LEITURA, 'cursor-invalido', 'dados-invalidos'],
      request: { query: ConsultaSchema },
      responses: { 200: json(PaginaDePedidosSchema, 'Uma página; proximo é null na última') },
    },
    podeLer,
    async (c) => {
      const consulta = parseWith(ConsultaSchema, parametrosDe(c.req.url))
      const { limite = LIMITE_PADRAO } = consulta
      const filtros = filtrosDe(consulta)
      const comercianteId = c.get('comercianteId')
      const escopo = escopoDoCursor(comercianteId, filtros)
      const inicio = consulta.cursor === undefined ? undefined : lerPonto(cursor.ler(consulta.cursor, escopo))
      const { itens, depois } = paginar(await leitura.listar(comercianteId, filtros, inicio, limite + 1), limite)
      const proximo = depois === undefined ? 'null' : `"${cursor.escrever(textoDoPonto(depois), escopo)}"`
      return jsonText(`{"itens":[${itens.map(pedidoJson).join(',')}],"proximo":${proximo}}`)
    },
  )
}
