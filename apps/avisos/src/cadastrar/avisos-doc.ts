import type { AppEnv } from '@fluxo/shared/http/env'
import { idOf } from '@fluxo/shared/openapi/headers'
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { PEDIDO_TIPOS } from '../logs/pedidos.ts'
import { TEST_TIPO } from '../notar/body.ts'
import { LANCAMENTO_REGISTRADO, SALDO_ALTERADO } from '../notar/tipos.ts'
import { AVISO_EXAMPLE, AvisoBodySchema, DayBodySchema, LotBodySchema } from './schema.ts'

/** The headers of Standard Webhooks: what is signed is `id.timestamp.body`. */
const SIGNATURE = z.object({
  'webhook-id': z.string().openapi({
    description: 'O mesmo em cada envio do mesmo aviso: por ele um envio repetido é reconhecido.',
    example: AVISO_EXAMPLE.id,
  }),
  'webhook-timestamp': z
    .string()
    .openapi({ description: 'Quando foi enviado, em segundos desde 1970.', example: '1760706729' }),
  'webhook-signature': z.string().openapi({
    description:
      'HMAC-SHA-256 de id.timestamp.corpo, em base64, com o segredo do webhook; duas, durante uma troca de segredo.',
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  }),
})

/** What is sent of each type of event, and the one for trying. */
const SENT = [
  ...PEDIDO_TIPOS.map((tipo) => ({ tipo, summary: `Um pedido teve o evento ${tipo}`, schema: AvisoBodySchema })),
  { tipo: LANCAMENTO_REGISTRADO, summary: 'Lançamentos foram registrados', schema: LotBodySchema },
  { tipo: SALDO_ALTERADO, summary: 'O saldo de um dia mudou', schema: DayBodySchema },
  { tipo: TEST_TIPO, summary: 'Um aviso de teste', schema: AvisoBodySchema },
]

/** Describes what each webhook is sent. */
export function documentAvisos(routes: OpenAPIHono<AppEnv>): void {
  for (const { tipo, summary, schema } of SENT) {
    routes.openAPIRegistry.registerWebhook({
      method: 'post',
      path: tipo,
      operationId: `avisar${idOf(tipo)}`,
      tags: ['Webhooks'],
      summary,
      description:
        'Enviado até sete vezes em 35 horas, até que o destino responda 2xx. Com 410, o webhook é desativado.',
      security: [],
      request: {
        headers: SIGNATURE,
        body: { required: true, content: { 'application/json': { schema } } },
      },
      responses: { '2XX': { description: 'Recebido' } },
    })
  }
}
