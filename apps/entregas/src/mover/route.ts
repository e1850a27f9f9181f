import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import {
  parseJsonExact,
  readJsonBody,
  readTextBody,
  requireContentType,
  SINGLE_ENTRY_BYTES_MAX,
} from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { LOG_DOS_PEDIDOS } from '../domain/evento.ts'
import { CancelamentoSchema, TransicaoSchema } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/resposta.ts'
import { ChaveHeaderSchema, PedidoCriadoSchema } from '../receber/route.ts'
import { naoEncontrado } from './mover.ts'
import { cancelarPedido, type Feita, type MudarDeps, transitarPedido } from './mudar.ts'

export type MoverDeps = MudarDeps & { verifier: Verifier; limites?: Limites | undefined }

/** An order as it stands. */
export const PedidoSchema = PedidoCriadoSchema.extend({
  version: z.int().openapi({ description: 'O número de eventos do pedido, e o seq do último.' }),
  updated_at: z.string().openapi({ format: 'date-time' }),
}).openapi('Pedido')

/** The id in the path; what could be no id names no order. */
export function idDe(c: Context<AppEnv>): string {
  const id = c.req.param('id') ?? ''
  if (!ehId(id)) throw naoEncontrado()
  return id.toLowerCase()
}

/** Answers for a change that was made, now or under the same key before. */
export function respostaDaMudanca({ pedido, repetido, particao, posicao }: Feita): Response {
  const headers = { 'Fluxo-Posicao': `${LOG_DOS_PEDIDOS}:${particao}:${posicao}` }
  return jsonText(pedidoJson(pedido), 200, repetido ? { ...headers, 'Idempotent-Replayed': 'true' } : headers)
}

const RESPOSTAS = {
  200: { description: 'O pedido, depois da mudança', content: { 'application/json': { schema: PedidoSchema } } },
  ...problemas(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
}
const ID = z.object({ id: z.uuid() })

/** `POST /orders/{id}/transitions` and `POST /orders/{id}/cancel`: the merchant moves an order. */
export function createMoverRoutes(deps: MoverDeps): OpenAPIHono<AppEnv> {
  const { verifier, limites } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const podeEscrever = requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita })
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/transitions',
      tags: ['Entregas'],
      summary: 'Muda o status de um pedido',
      description: 'Uma transição que a máquina não permite é recusada com 409, e permitidas diz quais seriam aceitas.',
      security: BEARER,
      request: {
        params: ID,
        headers: ChaveHeaderSchema,
        body: { required: true, content: { 'application/json': { schema: TransicaoSchema } } },
      },
      responses: RESPOSTAS,
    },
    podeEscrever,
    (c) => transitar(deps, c),
  )
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/cancel',
      tags: ['Entregas'],
      summary: 'Cancela um pedido: antes do transporte, acaba; depois, volta',
      security: BEARER,
      request: {
        params: ID,
        headers: ChaveHeaderSchema,
        body: { required: false, content: { 'application/json': { schema: CancelamentoSchema } } },
      },
      responses: RESPOSTAS,
    },
    podeEscrever,
    (c) => cancelar(deps, c),
  )
  return routes
}

async function transitar(deps: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = idDe(c)
  const corpo = parseWith(TransicaoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
  const pedinte = { comercianteId: c.get('comercianteId'), pedidoId, chave, rastro: c.get('traceparent') }
  return respostaDaMudanca(await transitarPedido(deps, pedinte, corpo))
}

async function cancelar(deps: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = idDe(c)
  const texto = await readTextBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX })
  if (texto.trim() !== '') requireContentType(c, ['application/json'])
  const corpo = parseWith(CancelamentoSchema, texto.trim() === '' ? {} : parseJsonExact(texto))
  const pedinte = { comercianteId: c.get('comercianteId'), pedidoId, chave, rastro: c.get('traceparent') }
  return respostaDaMudanca(await cancelarPedido(deps, pedinte, corpo))
}
