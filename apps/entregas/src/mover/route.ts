import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import {
  parseJsonExact,
  readJsonBody,
  readTextBody,
  requireContentType,
  SINGLE_ENTRY_BYTES_MAX,
} from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { parseWith } from '@fluxo/shared/http/validate'
import { isId } from '@fluxo/shared/id'
import { documented, OF_JSON_BODY, OF_KEY, OF_WRITES, type Operation } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { PEDIDOS_LOG } from '../domain/evento.ts'
import { CancellationSchema, TransicaoSchema } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/pedido-json.ts'
import { PedidoIdParam } from '../receber/schema.ts'
import { type ChangePedidoDeps, cancelPedido, type MovedPedido, transitionPedido } from './change-pedido.ts'
import { notFound } from './mover.ts'
import { CancellationBody, PedidoSchema, TransicaoBody } from './schema.ts'

export type MoverDeps = ChangePedidoDeps & { verifier: Verifier; limits?: Limits | undefined }

/** The id in the path; what could be no id names no order. */
export function pedidoIdOf(c: Context<AppEnv>): string {
  const id = c.req.param('id') ?? ''
  if (!isId(id)) throw notFound()
  return id.toLowerCase()
}

/** Answers for a change that was made, now or under the same key before. */
export function changeAnswer({ pedido, repeated, particao, posicao }: MovedPedido): Response {
  const headers = { 'Fluxo-Posicao': `${PEDIDOS_LOG}:${particao}:${posicao}` }
  return jsonText(pedidoJson(pedido), 200, repeated ? { ...headers, 'Idempotent-Replayed': 'true' } : headers)
}

const ANSWERS = {
  200: {
    description: 'O pedido, depois da mudança',
    headers: headers('Fluxo-Posicao', 'Idempotent-Replayed'),
    content: { 'application/json': { schema: PedidoSchema } },
  },
}
/** What a change that the merchant asks for may be refused with. */
const CODIGOS: Operation['codigos'] = [
  ...OF_JSON_BODY,
  ...OF_KEY,
  ...OF_WRITES,
  'nao-encontrado',
  'transicao-invalida',
  'versao-desatualizada',
  'pedido-ocupado',
]

/** `POST /orders/{id}/transitions` and `POST /orders/{id}/cancel`: the merchant moves an order. */
export function createMoverRoutes(deps: MoverDeps): OpenAPIHono<AppEnv> {
  const { verifier, limits } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const mayWrite = requireScope(verifier, 'entregas:escrever', { admission: limits?.escrita })
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/transitions',
      operationId: 'transicionarPedido',
      tag: 'Entregas',
      summary: 'Muda o status de um pedido',
      description: 'Uma transição que a máquina não permite é recusada com 409, e permitidas diz quais seriam aceitas.',
      scope: 'entregas:escrever',
      codigos: CODIGOS,
      request: {
        params: PedidoIdParam,
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: TransicaoBody } } },
      },
      responses: ANSWERS,
    },
    mayWrite,
    (c) => transition(deps, c),
  )
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/cancel',
      operationId: 'cancelarPedido',
      tag: 'Entregas',
      summary: 'Cancela um pedido: antes do transporte, acaba; depois, volta',
      scope: 'entregas:escrever',
      codigos: CODIGOS,
      request: {
        params: PedidoIdParam,
        headers: IdempotencyKeyHeader,
        body: { required: false, content: { 'application/json': { schema: CancellationBody } } },
      },
      responses: ANSWERS,
    },
    mayWrite,
    (c) => cancel(deps, c),
  )
  return routes
}

async function transition(deps: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = pedidoIdOf(c)
  const body = parseWith(TransicaoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
  const requester = { comercianteId: c.get('comercianteId'), pedidoId, chave, traceparent: c.get('traceparent') }
  return changeAnswer(await transitionPedido(deps, requester, body))
}

async function cancel(deps: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = pedidoIdOf(c)
  const text = await readTextBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX })
  if (text.trim() !== '') requireContentType(c, ['application/json'])
  const body = parseWith(CancellationSchema, text.trim() === '' ? {} : parseJsonExact(text))
  const requester = { comercianteId: c.get('comercianteId'), pedidoId, chave, traceparent: c.get('traceparent') }
  return changeAnswer(await cancelPedido(deps, requester, body))
}
