import { DiaSchema, limiteSchema } from '@fluxo/shared/campos'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { type Cursor, createCursor } from '@fluxo/shared/http/cursor'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import { parametrosDe } from '@fluxo/shared/http/query'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { eventoJson } from '../domain/evento.ts'
import { ReferenciaSchema, StatusSchema } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/resposta.ts'
import { naoEncontrado } from '../mover/mover.ts'
import { idDe, PedidoSchema } from '../mover/route.ts'
import { escopoDoCursor, filtrosDe, lerPonto, paginar, textoDoPonto } from './listar.ts'
import type { LeituraStore } from './store.ts'

export type ListarDeps = {
  leitura: LeituraStore
  verifier: Verifier
  limites?: Limites | undefined
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
}

/** Orders of a page: enough for a screen, at most what a program wants at once. */
const LIMITE_PADRAO = 50
const LIMITE_MAX = 200

const ConsultaSchema = z.strictObject({
  status: StatusSchema.optional(),
  de: DiaSchema.optional().describe('Primeiro dia do recebimento, em São Paulo, inclusive.'),
  ate: DiaSchema.optional().describe('Último dia, inclusive.'),
  referencia: ReferenciaSchema.optional(),
  limite: limiteSchema({ max: LIMITE_MAX, padrao: LIMITE_PADRAO }).optional(),
  cursor: z.string().optional().describe('O proximo da página anterior, com os mesmos filtros.'),
})

const DepoisSchema = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,9}$/, { error: 'Deve ser um número inteiro.' })
    .transform(Number)
    .default(0),
})

const EventoSchema = z
  .object({
    id: z.uuid(),
    order_id: z.uuid(),
    status: z.string(),
    timestamp: z.string().openapi({ format: 'date-time', description: 'Quando foi registrado.' }),
    seq: z.int().openapi({ description: '1 para o primeiro evento do pedido, sem lacunas.' }),
    previous_status: z.string().nullable(),
    reason: z.string().optional(),
    note: z.string().optional(),
    location: z.string().optional(),
    carrier_code: z.string().optional().openapi({ example: 'BDE 20' }),
    tracking_code: z.string().optional().openapi({ example: 'DL077986616BR' }),
    reported_status: z.string().optional().openapi({ description: 'O que foi informado, onde não mudou o pedido.' }),
    attempt: z.int().optional(),
    actor: z.string(),
    occurred_at: z.string().openapi({ format: 'date-time', description: 'Quando aconteceu.' }),
    source: z.string(),
  })
  .openapi('EventoDoPedido')

const PaginaSchema = z
  .object({ itens: z.array(PedidoSchema), proximo: z.string().nullable() })
  .openapi('PaginaDePedidos')

const ID = z.object({ id: z.uuid() })
const json = (schema: z.ZodType, description: string) => ({ description, content: { 'application/json': { schema } } })

/** `GET /orders`, `GET /orders/{id}` and `GET /orders/{id}/events`: the merchant's own orders, and nobody else's. */
export function createListarRoutes({ leitura, verifier, limites, cursorSecret }: ListarDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const podeLer = requireScope(verifier, 'entregas:ler', { admission: limites?.leitura })
  const comum = { method: 'get' as const, tags: ['Entregas'], security: BEARER }
  documentarLista(routes, podeLer, leitura, createCursor({ segredo: cursorSecret, uso: 'pedidos' }))
  documented(
    routes,
    {
      ...comum,
      path: '/orders/{id}',
      summary: 'Lê um pedido',
      request: { params: ID },
      responses: { 200: json(PedidoSchema, 'O pedido como está'), ...problemas(400, 401, 403, 404, 429, 503) },
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
      summary: 'Lê a história de um pedido, em ordem',
      request: { params: ID, query: DepoisSchema },
      responses: { 200: json(z.array(EventoSchema), 'Os eventos'), ...problemas(400, 401, 403, 404, 422, 429, 503) },
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
      tags: ['Entregas'],
      summary: 'Lista pedidos, do mais novo para o mais antigo',
      security: BEARER,
      request: { query: ConsultaSchema },
      responses: {
        200: json(PaginaSchema, 'Uma página; proximo é null na última'),
        ...problemas(400, 401, 403, 422, 429, 503),
      },
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
