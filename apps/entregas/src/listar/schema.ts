import { DaySchema, InstantSchema } from '@fluxo/shared/fields'
import { PAGE_PARAMETERS, pageSchema } from '@fluxo/shared/http/page/page'
import { parameter } from '@fluxo/shared/openapi/documented'
import { z } from '@hono/zod-openapi'
import { ReferenciaSchema, StatusSchema } from '../domain/pedido.ts'
import { PedidoSchema } from '../mover/schema.ts'
import { ID_EXAMPLE } from '../receber/schema.ts'

/** The query of a list of orders. */
export const QuerySchema = z.strictObject({
  status: StatusSchema.optional().openapi({ description: 'Só os pedidos neste status.', example: 'IN_TRANSIT' }),
  de: parameter(
    'DeDoRecebimento',
    DaySchema.optional().describe('Primeiro dia do recebimento, em São Paulo, inclusive.'),
  ),
  ate: parameter('AteDoRecebimento', DaySchema.optional().describe('Último dia do recebimento, inclusive.')),
  referencia: parameter('ReferenciaDoPedido', ReferenciaSchema.optional()),
  ...PAGE_PARAMETERS,
})

/** The query of an order's history. */
export const AfterSchema = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,9}$/, { error: 'Deve ser um número inteiro.' })
    .transform(Number)
    .default(0)
    .meta({ type: 'integer', minimum: 0, default: 0, description: 'Só os eventos depois deste seq.', example: 0 }),
})

/** An example of an event of an order. */
const EVENTO_EXAMPLE = {
  id: '019a1fda-9f3c-7d10-8b0c-2f1f0f6f9a11',
  order_id: ID_EXAMPLE,
  status: 'DELIVERED',
  timestamp: '2025-10-17T13:12:09.001Z',
  seq: 5,
  previous_status: 'OUT_FOR_DELIVERY',
  location: 'São Paulo/SP',
  carrier_code: 'BDE 1',
  tracking_code: 'DL077986616BR',
  actor: 'loja-1',
  occurred_at: '2025-10-17T13:12:00.000Z',
  source: 'correios',
}

/** An event of an order, as its history and webhooks tell it. */
const PedidoEventoSchema = z
  .object({
    id: z.uuid(),
    order_id: z.uuid(),
    status: z.string(),
    timestamp: InstantSchema.openapi({ description: 'Quando foi registrado.' }),
    seq: z.int().openapi({ description: '1 para o primeiro evento do pedido, sem lacunas.' }),
    previous_status: z.string().nullable(),
    reason: z.string().optional(),
    note: z.string().optional(),
    location: z.string().optional(),
    carrier_code: z.string().optional().openapi({ example: 'BDE 20' }),
    tracking_code: z.string().optional().openapi({ example: 'DL077986616BR' }),
    reported_status: z.string().optional().openapi({ description: 'O que foi informado, onde não mudou o pedido.' }),
    attempt: z.int().optional().openapi({ description: 'Qual tentativa de entrega falhou.' }),
    actor: z.string(),
    occurred_at: InstantSchema.openapi({ description: 'Quando aconteceu.' }),
    source: z.string(),
  })
  .openapi('EventoDoPedido', { description: 'O que aconteceu com um pedido.', example: EVENTO_EXAMPLE })

/** The history of an order. */
export const PedidoEventosSchema = z.array(PedidoEventoSchema).openapi('EventosDoPedido', {
  description: 'A história de um pedido, em ordem.',
  example: [EVENTO_EXAMPLE],
})

/** A page of orders. */
export const PedidosPageSchema = pageSchema(PedidoSchema, 'PaginaDePedidos', {
  description: 'Uma página de pedidos.',
  example: [],
})
