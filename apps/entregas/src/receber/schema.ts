import { AmountSchema, InstantSchema } from '@fluxo/shared/fields'
import { parameter } from '@fluxo/shared/openapi/documented'
import { z } from '@hono/zod-openapi'
import { NewPedidoSchema } from '../domain/pedido.ts'

/** An example of an order's id. */
export const ID_EXAMPLE = '019a1fda-9585-74b6-be90-a718fe3db7c2'

/** The id of an order in a path. */
export const PedidoIdParam = z.object({
  id: parameter('IdDoPedido', z.uuid().openapi({ description: 'O id do pedido.', example: ID_EXAMPLE })),
})

/** An order as it is asked for. */
export const NewPedidoBody = NewPedidoSchema.openapi('NovoPedido', {
  description: 'Um pedido a receber. Campos desconhecidos são recusados.',
  example: {
    customer_name: 'Ana Souza',
    address: 'Rua das Flores, 10, São Paulo',
    valor: '80.00',
    referencia: 'NF-123',
  },
})

/** An example of an order. */
export const PEDIDO_EXAMPLE = {
  id: ID_EXAMPLE,
  customer_name: 'Ana Souza',
  address: 'Rua das Flores, 10, São Paulo',
  status: 'RECEIVED',
  created_at: '2025-10-15T12:34:56.789Z',
  valor: 80,
  referencia: 'NF-123',
}

/** An order as the answer to its creation shows it. */
export const CreatedPedidoSchema = z
  .object({
    id: z.uuid(),
    customer_name: z.string(),
    address: z.string(),
    status: z.string().openapi({ example: 'RECEIVED', description: 'Em que ponto do caminho o pedido está.' }),
    created_at: InstantSchema,
    valor: AmountSchema.optional(),
    referencia: z.string().optional(),
  })
  .openapi('PedidoCriado', { description: 'Um pedido recém-recebido.', example: PEDIDO_EXAMPLE })
