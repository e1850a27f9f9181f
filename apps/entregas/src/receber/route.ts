import { DomainError } from '@fluxo/shared/errors'
import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { CHAVE, CORPO_JSON, documented, ESCRITA } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { LOG_DOS_PEDIDOS } from '../domain/evento.ts'
import { NovoPedidoSchema } from '../domain/pedido.ts'
import { pedidoCriadoJson } from '../domain/resposta.ts'
import type { PedidoStore, Recebido } from '../mover/store.ts'
import { receberPedido } from './receber.ts'
import { NovoPedidoBody, PedidoCriadoSchema } from './schema.ts'

type ReceberDeps = {
  store: Pick<PedidoStore, 'receber'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

const CRIADO = 201

/** Answers for one order: 201 where it is as asked for, also when it was there before. Throws the refusal of each conflict. */
const respostaDo = (recebido: Recebido): Response => {
  const { pedido, desfecho, particao, posicao } = recebido
  const headers = {
    Location: `/orders/${pedido.id}`,
    'Fluxo-Posicao': `${LOG_DOS_PEDIDOS}:${particao}:${posicao}`,
  }
  switch (desfecho) {
    case 'criado':
      return jsonText(pedidoCriadoJson(pedido), CRIADO, headers)
    case 'repetido': {
      // The original answer again: what has become of the order since is told by GET.
      const original = pedidoCriadoJson({ ...pedido, status: 'RECEIVED' })
      return jsonText(original, CRIADO, { ...headers, 'Idempotent-Replayed': 'true' })
    }
    case 'conflito-de-chave':
      throw new DomainError('chave-reutilizada', 'Esta Idempotency-Key já registrou outro pedido.')
    case 'conflito-de-referencia':
      throw new DomainError('referencia-duplicada', 'Já existe um pedido com esta referência.', { id: pedido.id })
  }
}

/** `POST /orders` */
export const createReceberRoutes = ({ store, verifier, limites, novoId, agora }: ReceberDeps): OpenAPIHono<AppEnv> => {
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
      escopo: 'entregas:escrever',
      codigos: [...CORPO_JSON, ...CHAVE, ...ESCRITA, 'referencia-duplicada'],
      request: {
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: NovoPedidoBody } } },
      },
      responses: {
        201: {
          description: 'Recebido, e gravado em disco',
          headers: headers('Location', 'Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: PedidoCriadoSchema } },
        },
      },
    },
    requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const novo = parseWith(NovoPedidoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      const comercianteId = c.get('comercianteId')
      const pedido = receberPedido(novo, { comercianteId, id: novoId(), agora: agora() })
      const rastro = c.get('traceparent')
      return respostaDo(
        await store.receber({ pedido, eventoId: novoId(), actor: comercianteId, source: 'api', chave, rastro }),
      )
    },
  )
  return routes
}
