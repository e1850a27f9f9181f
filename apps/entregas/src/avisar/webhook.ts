import { esperado } from '@fluxo/shared/campos'
import { z } from '@hono/zod-openapi'
import { FATOS } from '../domain/evento.ts'
import { motivoDoAlvo, type RegraDeAlvo, URL_CARACTERES_MAX } from './alvo.ts'

/** A webhook as its merchant sees it: never its secret. */
export type Webhook = {
  id: string
  url: string
  /** The types of events that it is told of; undefined: all. */
  eventos: string[] | undefined
  criadoEm: Date
  /** When and why it was ended; its receiver asked for that. */
  desativadoEm: Date | undefined
  motivo: string | undefined
}

/** The body of `POST /webhooks`. */
export const novoWebhookSchema = (regra: RegraDeAlvo) =>
  z.strictObject({
    url: z
      .string({ error: esperado('um texto') })
      .superRefine((url, ctx) => {
        const motivo = motivoDoAlvo(url, regra)
        if (motivo !== undefined) ctx.issues.push({ code: 'custom', message: motivo, input: url })
      })
      .meta({ format: 'uri', maxLength: URL_CARACTERES_MAX, example: 'https://loja.example/avisos' })
      .describe('Um endereço público, com https.'),
    events: z
      .array(z.enum(FATOS))
      .min(1)
      .max(FATOS.length)
      .optional()
      .describe('Os tipos de evento que interessam; sem isso, todos.'),
  })

const Quando = z.string().openapi({ format: 'date-time' })

export const WebhookSchema = z
  .object({
    id: z.uuid(),
    url: z.string(),
    events: z.array(z.string()).nullable().openapi({ description: 'null: todos.' }),
    status: z.enum(['active', 'disabled']),
    created_at: Quando,
    disabled_at: Quando.optional(),
    disabled_reason: z.string().optional(),
  })
  .openapi('Webhook')

export const WebhookComSegredoSchema = WebhookSchema.extend({
  secret: z.string().openapi({ example: 'whsec_…', description: 'Mostrado só agora. Guarde-o.' }),
}).openapi('WebhookComSegredo')

export const webhookJson = (w: Webhook) => ({
  id: w.id,
  url: w.url,
  events: w.eventos ?? null,
  status: w.desativadoEm === undefined ? 'active' : 'disabled',
  created_at: w.criadoEm.toISOString(),
  ...(w.desativadoEm && { disabled_at: w.desativadoEm.toISOString() }),
  ...(w.motivo !== undefined && { disabled_reason: w.motivo }),
})

export const EntregaSchema = z
  .object({
    id: z.string().openapi({ example: 'msg_0198a4c2-…', description: 'O webhook-id de cada tentativa.' }),
    type: z.string(),
    event_id: z.uuid(),
    status: z.enum(['pending', 'delivered', 'exhausted', 'cancelled']),
    created_at: Quando,
    next_attempt_at: Quando.optional(),
    finished_at: Quando.optional(),
    held_since: Quando.optional(),
    held_reason: z.string().optional().openapi({
      description: 'Por que a entrega espera sem contar tentativa.',
      example: 'nome não resolvido',
    }),
    attempts: z.array(
      z.object({
        attempt: z.int(),
        at: Quando,
        duration_ms: z.int(),
        status: z.int().optional(),
        error: z.string().optional(),
        response: z.string().optional(),
      }),
    ),
  })
  .openapi('EntregaDeWebhook')
