import { expected, textSchema, ValorSchema } from '@fluxo/shared/fields'
import type { Cents } from '@fluxo/shared/money'
import { z } from 'zod'
import { isTrackingCode } from './correios.ts'
import { FAILURE_REASONS, STATUSES, type Status } from './status.ts'
import { readTime, TIME_MESSAGE } from './time.ts'

/** Longest texts of an order, in characters (Unicode code points). */
export const NAME_CHARACTERS_MAX = 255
export const ADDRESS_CHARACTERS_MAX = 500
export const REFERENCIA_CHARACTERS_MAX = 128
const NOTE_CHARACTERS_MAX = 500
const LOCATION_CHARACTERS_MAX = 255

/** What a merchant asks to be delivered, already parsed. Names and addresses are data: any text without controls. */
export type NewPedido = {
  customerName: string
  address: string
  /** What is paid on delivery, in cents. */
  valor?: Cents | undefined
  /** The merchant's own name for the order, unique per merchant. */
  referencia?: string | undefined
}

/** An order as it stands. Its history is its events. */
export type Pedido = NewPedido & {
  /** UUIDv7, lower case. */
  id: string
  comercianteId: string
  status: Status
  /** The number of its events, and the `seq` of the last one. */
  version: number
  /** Failed attempts of delivery. */
  tentativas: number
  /** The status before the last change, where the carrier's next `EST` would correct that change. */
  corrigivel: Status | undefined
  /** When the last change of status happened, as opposed to when we heard of it. */
  occurredAt: Date
  createdAt: Date
  updatedAt: Date
}

export const ReferenciaSchema = textSchema(REFERENCIA_CHARACTERS_MAX).meta({
  description: 'Nome do pedido no sistema do comerciante, único por comerciante.',
  example: 'NF-123',
})

const objectError = (issue: { code?: string }): string | undefined =>
  issue.code === 'unrecognized_keys' ? undefined : 'Deve ser um objeto JSON.'

/** The body of `POST /orders`: strict, since a misspelt optional field that is dropped in silence is a wrong order. */
export const NewPedidoSchema = z
  .strictObject(
    {
      customer_name: textSchema(NAME_CHARACTERS_MAX).meta({ example: 'Ana Souza' }),
      address: textSchema(ADDRESS_CHARACTERS_MAX).meta({ example: 'Rua das Flores, 10, São Paulo' }),
      valor: ValorSchema.optional().describe('Pago na entrega: vira um lançamento quando o pedido é entregue.'),
      referencia: ReferenciaSchema.optional(),
    },
    { error: objectError },
  )
  .transform(
    ({ customer_name, address, valor, referencia }): NewPedido => ({
      customerName: customer_name,
      address,
      valor,
      referencia,
    }),
  )

const TimeSchema = z
  .string({ error: expected('um texto') })
  .transform((text, ctx) => {
    const time = readTime(text)
    if (time !== undefined) return time
    ctx.issues.push({ code: 'custom', message: TIME_MESSAGE, input: text })
    return z.NEVER
  })
  .meta({ type: 'string', format: 'date-time' })

const oneOf = (valores: readonly string[]) => (issue: { input?: unknown }) =>
  issue.input === undefined ? 'Campo obrigatório.' : `Deve ser um de: ${valores.join(', ')}.`

export const StatusSchema = z.enum(STATUSES, { error: oneOf(STATUSES) })
const NoteSchema = textSchema(NOTE_CHARACTERS_MAX)
const LocationSchema = textSchema(LOCATION_CHARACTERS_MAX)
/** As far as the database counts. */
const VERSAO_MAX = 2_147_483_647
const VersaoSchema = z
  .int({ error: expected('um número inteiro') })
  .min(1, { error: 'Deve ser no mínimo 1.' })
  .max(VERSAO_MAX, { error: `Deve ser no máximo ${VERSAO_MAX}.` })

/** The body of `POST /orders/{id}/transitions`. A reason belongs to a failed attempt, and a failed attempt has one. */
export const TransicaoSchema = z
  .strictObject(
    {
      status: StatusSchema,
      reason: z.enum(FAILURE_REASONS, { error: oneOf(FAILURE_REASONS) }).optional(),
      note: NoteSchema.optional(),
      location: LocationSchema.optional(),
      occurred_at: TimeSchema.optional(),
      version: VersaoSchema.optional().describe('A versão que o pedido deve ter; outra é recusada com 409.'),
    },
    { error: objectError },
  )
  .superRefine(({ status, reason }, ctx) => {
    if (status === 'DELIVERY_FAILED' && reason === undefined)
      ctx.addIssue({ code: 'custom', path: ['reason'], message: 'Campo obrigatório quando a entrega falhou.' })
    if (status !== 'DELIVERY_FAILED' && reason !== undefined)
      ctx.addIssue({ code: 'custom', path: ['reason'], message: 'Só vale quando a entrega falhou.' })
  })

/** The body of `POST /orders/{id}/cancel`. */
export const CancellationSchema = z.strictObject(
  { note: NoteSchema.optional(), version: VersaoSchema.optional() },
  { error: objectError },
)

/** A cancellation that was asked for. */
export type Cancellation = z.infer<typeof CancellationSchema>

/** The body of `POST /orders/{id}/carrier-events`. */
export const InformeSchema = z.strictObject(
  {
    type: z
      .string({ error: expected('um texto') })
      .regex(/^[A-Z]{2,3}$/, { error: 'Deve ser um tipo de evento dos Correios, como BDE.' }),
    status: z
      .union(
        [
          z.int(),
          z
            .string()
            .regex(/^\d{1,3}$/)
            .transform(Number),
        ],
        {
          error: expected('um número inteiro'),
        },
      )
      .meta({
        type: 'integer',
        minimum: 0,
        maximum: 999,
        description: 'O status do evento; também como texto.',
        example: 1,
      }),
    occurred_at: TimeSchema,
    location: LocationSchema.optional(),
    tracking_code: z
      .string({ error: expected('um texto') })
      .refine(isTrackingCode, {
        error: 'Não é um código de rastreio: confira as letras e o dígito verificador.',
      })
      .optional()
      .meta({ example: 'DL077986616BR' }),
  },
  { error: objectError },
)
