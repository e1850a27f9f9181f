import { DomainError } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_JSON_BODY, OF_KEY, OF_WRITES } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { PEDIDOS_LOG } from '../domain/evento.ts'
import { NewPedidoSchema } from '../domain/pedido.ts'
import { createdPedidoJson } from '../domain/pedido-json.ts'
import type { PedidoStore, ReceiveResult } from '../mover/store.ts'
import { receberPedido } from './receber.ts'
import { CreatedPedidoSchema, NewPedidoBody } from './schema.ts'

type ReceberDeps = {
  store: Pick<PedidoStore, 'receber'>
  verifier: Verifier
  limits?: Limits | undefined
  newId: () => string
  now: () => Date
}

const CREATED = 201

/** Answers for one order: 201 where it is as asked for, also when it was there before. Throws the refusal of each conflict. */
const answerFor = (result: ReceiveResult): Response => {
  const { pedido, outcome, particao, posicao } = result
  const headers = {
    Location: `/orders/${pedido.id}`,
    'Fluxo-Posicao': `${PEDIDOS_LOG}:${particao}:${posicao}`,
  }
  switch (outcome) {
    case 'created':
      return jsonText(createdPedidoJson(pedido), CREATED, headers)
    case 'repeated': {
      // The original answer again: what has become of the order since is told by GET.
      const original = createdPedidoJson({ ...pedido, status: 'RECEIVED' })
      return jsonText(original, CREATED, { ...headers, 'Idempotent-Replayed': 'true' })
    }
    case 'key-conflict':
      throw new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro pedido.')
    case 'reference-conflict':
      throw new DomainError('referencia-duplicada', 'Já existe um pedido com esta referência.', { id: pedido.id })
  }
}

/** `POST /orders` */
export const createReceberRoutes = ({ store, verifier, limits, newId, now }: ReceberDeps): OpenAPIHono<AppEnv> => {
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'post',
      path: '/orders',
      operationId: 'criarPedido',
      tag: 'Entregas',
      summary: 'Recebe um pedido',
      description: 'Um pedido com valor vira um lançamento quando é entregue.',
      scope: 'entregas:escrever',
      codigos: [...OF_JSON_BODY, ...OF_KEY, ...OF_WRITES, 'referencia-duplicada'],
      request: {
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: NewPedidoBody } } },
      },
      responses: {
        201: {
          description: 'Recebido, e gravado em disco',
          headers: headers('Location', 'Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: CreatedPedidoSchema } },
        },
      },
    },
    requireScope(verifier, 'entregas:escrever', { admission: limits?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const newPedido = parseWith(NewPedidoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      const comercianteId = c.get('comercianteId')
      const pedido = receberPedido(newPedido, { comercianteId, id: newId(), now: now() })
      const traceparent = c.get('traceparent')
      return answerFor(
        await store.receber({ pedido, eventoId: newId(), actor: comercianteId, source: 'api', chave, traceparent }),
      )
    },
  )
  return routes
}
