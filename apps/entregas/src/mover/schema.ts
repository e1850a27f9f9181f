import { InstantSchema } from '@fluxo/shared/fields'
import { z } from '@hono/zod-openapi'
import { CancellationSchema, TransicaoSchema } from '../domain/pedido.ts'
import { CreatedPedidoSchema, PEDIDO_EXAMPLE } from '../receber/schema.ts'

/** An order as it stands. */
export const PedidoSchema = z
  .object({
    ...CreatedPedidoSchema.shape,
    version: z.int().openapi({ description: 'O número de eventos do pedido, e o seq do último.' }),
    updated_at: InstantSchema,
  })
  .openapi('Pedido', {
    description: 'Um pedido como está.',
    example: { ...PEDIDO_EXAMPLE, status: 'IN_TRANSIT', version: 2, updated_at: '2025-10-15T13:00:00.000Z' },
  })

/** A transition as it is asked for. */
export const TransicaoBody = TransicaoSchema.openapi('NovaTransicao', {
  description: 'Para onde o pedido vai. reason é obrigatório quando a entrega falhou, e só vale então.',
  example: { status: 'IN_TRANSIT', note: 'Saiu com a transportadora', version: 1 },
})

/** A cancellation as it is asked for. */
export const CancellationBody = CancellationSchema.openapi('NovoCancelamento', {
  description: 'O que dizer do cancelamento; o corpo pode faltar.',
  example: { note: 'O cliente desistiu' },
})
