import { headers } from '@fluxo/shared/http/answers'
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
import { CHAVE, CORPO_JSON, documented, ESCRITA, type Operation } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { LOG_DOS_PEDIDOS } from '../domain/evento.ts'
import { CancelamentoSchema, TransicaoSchema } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/resposta.ts'
import { IdDoPedido } from '../receber/schema.ts'
import { naoEncontrado } from './mover.ts'
import { cancelarPedido, type Feita, type MudarDeps, transitarPedido } from './mudar.ts'
import { CancelamentoBody, PedidoSchema, TransicaoBody } from './schema.ts'

export type MoverDeps = MudarDeps & { verifier: Verifier; limites?: Limites | undefined }

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
  200: {
    description: 'O pedido, depois da mudança',
    headers: headers('Fluxo-Posicao', 'Idempotent-Replayed'),
    content: { 'application/json': { schema: PedidoSchema } },
  },
}
/** What a change that the merchant asks for may be refused with. */
const CODIGOS: Operation['codigos'] = [
  ...CORPO_JSON,
  ...CHAVE,
  ...ESCRITA,
  'nao-encontrado',
  'transicao-invalida',
  'versao-desatualizada',
  'pedido-ocupado',
]

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
      operationId: 'transicionarPedido',
      tag: 'Entregas',
      summary: 'Muda o status de um pedido',
      description: 'Uma transição que a máquina não permite é recusada com 409, e permitidas diz quais seriam aceitas.',
      escopo: 'entregas:escrever',
      codigos: CODIGOS,
      request: {
        params: IdDoPedido,
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: TransicaoBody } } },
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
      operationId: 'cancelarPedido',
      tag: 'Entregas',
      summary: 'Cancela um pedido: antes do transporte, acaba; depois, volta',
      escopo: 'entregas:escrever',
      codigos: CODIGOS,
      request: {
        params: IdDoPedido,
        headers: IdempotencyKeyHeader,
        body: { required: false, content: { 'application/json': { schema: CancelamentoBody } } },
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
