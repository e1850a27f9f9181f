import { expected } from '@fluxo/shared/fields'
import { z } from '@hono/zod-openapi'
import { type AlvoRule, alvoRefusal, URL_CHARACTERS_MAX } from '../avisar/alvo.ts'
import { TIPOS } from '../notar/tipos.ts'

/** A webhook as its merchant sees it: never its secret. */
export type Webhook = {
  id: string
  url: string
  /** The types and patterns of events that it is told of; undefined: the orders'. */
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
      .array(z.enum(TIPOS))
      .min(1)
      .max(TIPOS.length)
      .optional()
      .describe('Os tipos de evento que interessam, ou um padrão como `order.*`, que é o que vale sem isso.'),
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
