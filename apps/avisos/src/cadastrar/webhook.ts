import { expected } from '@fluxo/shared/fields'
import { z } from '@hono/zod-openapi'
import { type AlvoRule, alvoRefusal, URL_CHARACTERS_MAX } from '../avisar/alvo.ts'
import { PEDIDO_TIPOS } from '../logs/pedidos.ts'

/** A webhook as its merchant sees it: never its secret. */
export type Webhook = {
  id: string
  url: string
  /** The types of events that it is told of; undefined: all. */
  eventos: string[] | undefined
  createdAt: Date
  /** When and why it was ended; its receiver asked for that. */
  disabledAt: Date | undefined
  motivo: string | undefined
}

/** The body of `POST /webhooks`. */
export const newWebhookSchema = (rule: AlvoRule) =>
  z.strictObject({
    url: z
      .string({ error: expected('um texto') })
      .superRefine((url, ctx) => {
        const reason = alvoRefusal(url, rule)
        if (reason !== undefined) ctx.issues.push({ code: 'custom', message: reason, input: url })
      })
      .meta({ format: 'uri', maxLength: URL_CHARACTERS_MAX, example: 'https://loja.example/avisos' })
      .describe('Um endereço público, com https.'),
    events: z
      .array(z.enum(PEDIDO_TIPOS))
      .min(1)
      .max(PEDIDO_TIPOS.length)
      .optional()
      .describe('Os tipos de evento que interessam; sem isso, todos.'),
  })

/** A webhook as every answer shows it. */
export const webhookJson = (w: Webhook) => ({
  id: w.id,
  url: w.url,
  events: w.eventos ?? null,
  status: w.disabledAt === undefined ? 'active' : 'disabled',
  created_at: w.createdAt.toISOString(),
  ...(w.disabledAt && { disabled_at: w.disabledAt.toISOString() }),
  ...(w.motivo !== undefined && { disabled_reason: w.motivo }),
})
