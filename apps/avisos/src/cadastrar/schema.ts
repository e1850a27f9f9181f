import { AmountSchema, InstantSchema } from '@fluxo/shared/fields'
import { pageSchema } from '@fluxo/shared/http/page/page'
import { z } from '@hono/zod-openapi'
import type { AlvoRule } from '../avisar/alvo.ts'
import { LANCAMENTO_REGISTRADO, SALDO_ALTERADO } from '../notar/tipos.ts'
import { newWebhookSchema } from './webhook.ts'

/** An example of an event of an order. */
const EVENTO_EXAMPLE = {
  id: '019a1fda-9f3c-7d10-8b0c-2f1f0f6f9a11',
  order_id: '019a1fda-9585-74b6-be90-a718fe3db7c2',
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

/** An event of an order, as `GET /orders/{id}/events` shows it. */
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

/** An example of a webhook. */
export const WEBHOOK_EXAMPLE = {
  id: '019a1fe0-1111-7222-8333-444455556666',
  url: 'https://loja.example/avisos',
  events: ['pedido.entregue.v1'],
  status: 'active',
  created_at: '2025-10-15T12:00:00.000Z',
}

/** An example of a delivery to a webhook. */
export const AVISO_EXAMPLE = {
  id: 'msg_019a1fe0-7777-7888-8999-aaaabbbbcccc',
  type: 'pedido.entregue.v1',
  event_id: EVENTO_EXAMPLE.id,
  status: 'delivered',
  created_at: '2025-10-17T13:12:09.050Z',
  finished_at: '2025-10-17T13:12:09.180Z',
  attempts: [{ attempt: 1, at: '2025-10-17T13:12:09.060Z', duration_ms: 120, status: 204 }],
}

/** A webhook as it is asked for. */
export const newWebhookBody = (rule: AlvoRule) =>
  newWebhookSchema(rule).openapi('NovoWebhook', {
    description: 'Um webhook a criar. Campos desconhecidos são recusados.',
    example: { url: 'https://loja.example/avisos', events: ['pedido.entregue.v1'] },
  })

export const WebhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    events: z.array(z.string()).nullable().openapi({ description: 'Nulo: `order.*`.' }),
    status: z.enum(['active', 'disabled']),
    created_at: InstantSchema,
    disabled_at: InstantSchema.optional(),
    disabled_reason: z.string().optional(),
  })
  .openapi('Webhook', { description: 'Um webhook, sem o segredo.', example: WEBHOOK_EXAMPLE })

export const WebhooksSchema = z
  .array(WebhookSchema)
  .openapi('Webhooks', { description: 'Todos os webhooks do comerciante.', example: [WEBHOOK_EXAMPLE] })

export const WebhookWithSecretSchema = z
  .object({
    ...WebhookSchema.shape,
    secret: z.string().openapi({ description: 'Mostrado só agora. Guarde-o.' }),
  })
  .openapi('WebhookComSegredo', {
    description: 'Um webhook com o segredo que confere as assinaturas.',
    example: { ...WEBHOOK_EXAMPLE, secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' },
  })

const TentativaSchema = z
  .object({
    attempt: z.int(),
    at: InstantSchema,
    duration_ms: z.int(),
    status: z.int().optional().openapi({ description: 'O status com que o destino respondeu.' }),
    error: z.string().optional(),
    response: z.string().optional(),
  })
  .openapi('TentativaDeEntrega', {
    description: 'Um envio, e o que o destino respondeu.',
    example: { attempt: 1, at: '2025-10-17T13:12:09.060Z', duration_ms: 120, status: 204 },
  })

export const AvisoLogSchema = z
  .object({
    id: z.string().openapi({ description: 'O webhook-id de cada tentativa.' }),
    type: z.string(),
    event_id: z.uuid(),
    status: z.enum(['pending', 'delivered', 'exhausted', 'cancelled']),
    created_at: InstantSchema,
    next_attempt_at: InstantSchema.optional(),
    finished_at: InstantSchema.optional(),
    held_since: InstantSchema.optional(),
    held_reason: z.string().optional().openapi({
      description: 'Por que a entrega espera sem contar tentativa.',
      example: 'nome não resolvido',
    }),
    attempts: z.array(TentativaSchema),
  })
  .openapi('EntregaDeWebhook', { description: 'Um aviso a um webhook.', example: AVISO_EXAMPLE })

export const AvisoLogPageSchema = pageSchema(AvisoLogSchema, 'PaginaDeEntregasDeWebhook', {
  description: 'Uma página de entregas de um webhook.',
  example: [AVISO_EXAMPLE],
})

/** The body of what a webhook is sent. */
export const AvisoBodySchema = z
  .object({
    type: z.string().openapi({ description: 'O tipo do evento.' }),
    timestamp: InstantSchema.openapi({ description: 'Quando foi registrado.' }),
    data: PedidoEventoSchema,
  })
  .openapi('Aviso', {
    description: 'O que um webhook recebe (Standard Webhooks).',
    example: { type: 'pedido.entregue.v1', timestamp: EVENTO_EXAMPLE.timestamp, data: EVENTO_EXAMPLE },
  })

const ENTRY_EXAMPLE = {
  id: '019a1fbc-ba2f-7586-87df-5a5af2a5a67c',
  tipo: 'CREDITO',
  valor: 150.5,
  data: '2025-10-15',
  referencia: 'nota-1',
  posicao: '0:1234',
}

/** An entry in a lot. */
const ToldEntrySchema = z
  .object({
    id: z.uuid(),
    tipo: z.enum(['CREDITO', 'DEBITO']),
    valor: AmountSchema,
    data: z.iso.date(),
    referencia: z.string().optional(),
    estorna: z.uuid().optional().openapi({ description: 'O lançamento que este estorna.' }),
    posicao: z.string().openapi({ description: 'Onde está no log, como em Fluxo-Posicao.' }),
  })
  .openapi('LancamentoAvisado', {
    description: 'Um lançamento, sem a descrição: ela se lê em GET /lancamentos/{id}.',
    example: ENTRY_EXAMPLE,
  })

const LotSchema = z
  .object({ itens: z.array(ToldEntrySchema).min(1).max(100) })
  .openapi('LancamentosAvisados', { description: 'Lançamentos, em ordem.', example: { itens: [ENTRY_EXAMPLE] } })

export const LotBodySchema = z
  .object({
    type: z.literal(LANCAMENTO_REGISTRADO),
    timestamp: InstantSchema.openapi({ description: 'Quando o último destes foi registrado.' }),
    data: LotSchema,
  })
  .openapi('AvisoDeLancamentos', {
    description: 'De 1 a 100 lançamentos de um comerciante, em ordem; esperam uns pelos outros até 1 segundo.',
    example: {
      type: LANCAMENTO_REGISTRADO,
      timestamp: '2025-10-15T12:34:56.789Z',
      data: { itens: [ENTRY_EXAMPLE] },
    },
  })

const STATE_EXAMPLE = {
  data: '2025-10-15',
  total_creditos: 150.5,
  total_debitos: 20,
  saldo_final: 130.5,
  quantidade: 2,
  versao: 1099511627778,
  posicao: '0:1234',
}

const ToldStateSchema = z
  .object({
    data: z.iso.date(),
    total_creditos: AmountSchema,
    total_debitos: AmountSchema,
    saldo_final: AmountSchema,
    quantidade: z.int(),
    versao: z.int().openapi({ description: 'Cresce a cada mudança do dia: de dois avisos vale o de versão maior.' }),
    posicao: z.string().openapi({ description: 'Um lançamento que está neste saldo, como em Fluxo-Posicao.' }),
  })
  .openapi('SaldoAvisado', { description: 'O saldo de um dia.', example: STATE_EXAMPLE })

export const DayBodySchema = z
  .object({
    type: z.literal(SALDO_ALTERADO),
    timestamp: InstantSchema.openapi({ description: 'Quando o saldo foi lido.' }),
    data: ToldStateSchema,
  })
  .openapi('AvisoDeSaldo', {
    description:
      'O saldo de um dia que mudou, uma vez a cada 60 segundos no máximo; a última mudança sempre é avisada.',
    example: { type: SALDO_ALTERADO, timestamp: '2025-10-15T12:34:57.001Z', data: STATE_EXAMPLE },
  })
