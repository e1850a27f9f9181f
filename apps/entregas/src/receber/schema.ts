import { InstanteSchema, QuantiaSchema } from '@fluxo/shared/campos'
import { parameter } from '@fluxo/shared/http/openapi'
import { z } from '@hono/zod-openapi'
import { NovoPedidoSchema } from '../domain/pedido.ts'

/** An example of an order's id. */
export const ID_DE_EXEMPLO = '019a1fda-9585-74b6-be90-a718fe3db7c2'

/** The id of an order in a path. */
export const IdDoPedido = z.object({
  id: parameter('IdDoPedido', z.uuid().openapi({ description: 'O id do pedido.', example: ID_DE_EXEMPLO })),
})

/** An order as it is asked for. */
export const NovoPedidoBody = NovoPedidoSchema.openapi('NovoPedido', {
  description: 'Um pedido a receber. Campos desconhecidos são recusados.',
  example: {
    customer_name: 'Ana Souza',
    address: 'Rua das Flores, 10, São Paulo',
    valor: '80.00',
    referencia: 'NF-123',
  },
})

/** An example of an order. */
export const PEDIDO_DE_EXEMPLO = {
  id: ID_DE_EXEMPLO,
  customer_name: 'Ana Souza',
  address: 'Rua das Flores, 10, São Paulo',
  status: 'RECEIVED',
  created_at: '2025-10-15T12:34:56.789Z',
  valor: 80,
  referencia: 'NF-123',
}

/** An order as the answer to its creation shows it. */
export const PedidoCriadoSchema = z
  .object({
    id: z.uuid(),
    customer_name: z.string(),
    address: z.string(),
    status: z.string().openapi({ example: 'RECEIVED', description: 'Em que ponto do caminho o pedido está.' }),
    created_at: InstanteSchema,
    valor: QuantiaSchema.optional(),
    referencia: z.string().optional(),
  })
  .openapi('PedidoCriado', { description: 'Um pedido recém-recebido.', example: PEDIDO_DE_EXEMPLO })
