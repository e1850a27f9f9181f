import { DomainError } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { LOG_DOS_PEDIDOS } from '../domain/evento.ts'
import { NovoPedidoSchema } from '../domain/pedido.ts'
import { pedidoCriadoJson } from '../domain/resposta.ts'
import type { PedidoStore, Recebido } from '../mover/store.ts'
import { receberPedido } from './receber.ts'

export type ReceberDeps = {
  store: Pick<PedidoStore, 'receber'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

/** An order as the answer to its creation shows it. */
export const PedidoCriadoSchema = z
  .object({
    id: z.uuid(),
    customer_name: z.string(),
    address: z.string(),
    status: z.string().openapi({ example: 'RECEIVED' }),
    created_at: z.string().openapi({ format: 'date-time' }),
    valor: z.number().optional().openapi({ description: 'Com duas casas decimais.' }),
    referencia: z.string().optional(),
  })
  .openapi('PedidoCriado')

/** The header by which a write can be repeated safely. */
export const ChaveHeaderSchema = z.object({
  'idempotency-key': z.string().optional().openapi({
    description: 'De 1 a 255 caracteres ASCII imprimíveis. A mesma chave com o mesmo conteúdo repete a resposta.',
  }),
})

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
      tags: ['Entregas'],
      summary: 'Recebe um pedido',
      security: BEARER,
      request: {
        headers: ChaveHeaderSchema,
        body: { required: true, content: { 'application/json': { schema: NovoPedidoSchema } } },
      },
      responses: {
        201: {
          description: 'Recebido, e gravado em disco',
          headers: z.object({ Location: z.string(), 'Idempotent-Replayed': z.string().optional() }),
          content: { 'application/json': { schema: PedidoCriadoSchema } },
        },
        ...problemas(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
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
