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

/** A webhook as every answer shows it. */
export const webhookJson = (w: Webhook) => ({
  id: w.id,
  url: w.url,
  events: w.eventos ?? null,
  status: w.desativadoEm === undefined ? 'active' : 'disabled',
  created_at: w.criadoEm.toISOString(),
  ...(w.desativadoEm && { disabled_at: w.desativadoEm.toISOString() }),
  ...(w.motivo !== undefined && { disabled_reason: w.motivo }),
})
