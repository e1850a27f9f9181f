import { esperado, textoSchema, ValorSchema } from '@fluxo/shared/campos'
import type { Centavos } from '@fluxo/shared/money'
import { z } from 'zod'
import { codigoDeRastreioValido } from './correios.ts'
import { lerMomento, MENSAGEM_DE_MOMENTO } from './momento.ts'
import { MOTIVOS, STATUSES, type Status } from './status.ts'

/** Longest texts of an order, in characters (Unicode code points). */
export const NOME_CARACTERES_MAX = 255
export const ENDERECO_CARACTERES_MAX = 500
export const REFERENCIA_CARACTERES_MAX = 128
const NOTA_CARACTERES_MAX = 500
const LOCAL_CARACTERES_MAX = 255

/** What a merchant asks to be delivered, already parsed. Names and addresses are data: any text without controls. */
export type NovoPedido = {
  customerName: string
  address: string
  /** What is paid on delivery, in cents. */
  valor?: Centavos | undefined
  /** The merchant's own name for the order, unique per merchant. */
  referencia?: string | undefined
}

/** An order as it stands. Its history is its events. */
export type Pedido = NovoPedido & {
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
  ocorridoEm: Date
  createdAt: Date
  updatedAt: Date
}

export const ReferenciaSchema = textoSchema(REFERENCIA_CARACTERES_MAX).meta({
  description: 'Nome do pedido no sistema do comerciante, único por comerciante.',
  example: 'NF-123',
})

const objeto = (issue: { code?: string }): string | undefined =>
  issue.code === 'unrecognized_keys' ? undefined : 'Deve ser um objeto JSON.'

/** The body of `POST /orders`: strict, since a misspelt optional field that is dropped in silence is a wrong order. */
export const NovoPedidoSchema = z
  .strictObject(
    {
      customer_name: textoSchema(NOME_CARACTERES_MAX).meta({ example: 'Ana Souza' }),
      address: textoSchema(ENDERECO_CARACTERES_MAX).meta({ example: 'Rua das Flores, 10, São Paulo' }),
      valor: ValorSchema.optional().describe('Pago na entrega: vira um lançamento quando o pedido é entregue.'),
      referencia: ReferenciaSchema.optional(),
    },
    { error: objeto },
  )
  .transform(
    ({ customer_name, address, valor, referencia }): NovoPedido => ({
      customerName: customer_name,
      address,
      valor,
      referencia,
    }),
  )

const MomentoSchema = z
  .string({ error: esperado('um texto') })
  .transform((texto, ctx) => {
    const momento = lerMomento(texto)
    if (momento !== undefined) return momento
    ctx.issues.push({ code: 'custom', message: MENSAGEM_DE_MOMENTO, input: texto })
    return z.NEVER
  })
  .meta({ type: 'string', format: 'date-time' })

const umDe = (valores: readonly string[]) => (issue: { input?: unknown }) =>
  issue.input === undefined ? 'Campo obrigatório.' : `Deve ser um de: ${valores.join(', ')}.`

export const StatusSchema = z.enum(STATUSES, { error: umDe(STATUSES) })
const NotaSchema = textoSchema(NOTA_CARACTERES_MAX)
const LocalSchema = textoSchema(LOCAL_CARACTERES_MAX)
/** As far as the database counts. */
const VERSAO_MAX = 2_147_483_647
const VersaoSchema = z
  .int({ error: esperado('um número inteiro') })
  .min(1, { error: 'Deve ser no mínimo 1.' })
  .max(VERSAO_MAX, { error: `Deve ser no máximo ${VERSAO_MAX}.` })

/** The body of `POST /orders/{id}/transitions`. A reason belongs to a failed attempt, and a failed attempt has one. */
export const TransicaoSchema = z
  .strictObject(
    {
      status: StatusSchema,
      reason: z.enum(MOTIVOS, { error: umDe(MOTIVOS) }).optional(),
      note: NotaSchema.optional(),
      location: LocalSchema.optional(),
      occurred_at: MomentoSchema.optional(),
      version: VersaoSchema.optional().describe('A versão que o pedido deve ter; outra é recusada com 409.'),
    },
    { error: objeto },
  )
  .superRefine(({ status, reason }, ctx) => {
    if (status === 'DELIVERY_FAILED' && reason === undefined)
      ctx.addIssue({ code: 'custom', path: ['reason'], message: 'Campo obrigatório quando a entrega falhou.' })
    if (status !== 'DELIVERY_FAILED' && reason !== undefined)
      ctx.addIssue({ code: 'custom', path: ['reason'], message: 'Só vale quando a entrega falhou.' })
  })

/** The body of `POST /orders/{id}/cancel`. */
export const CancelamentoSchema = z.strictObject(
  { note: NotaSchema.optional(), version: VersaoSchema.optional() },
  { error: objeto },
)

/** A cancellation that was asked for. */
export type Cancelamento = z.infer<typeof CancelamentoSchema>

/** The body of `POST /orders/{id}/carrier-events`. */
export const InformeSchema = z.strictObject(
  {
    type: z
      .string({ error: esperado('um texto') })
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
          error: esperado('um número inteiro'),
        },
      )
      .meta({
        type: 'integer',
        minimum: 0,
        maximum: 999,
        description: 'O status do evento; também como texto.',
        example: 1,
      }),
    occurred_at: MomentoSchema,
    location: LocalSchema.optional(),
    tracking_code: z
      .string({ error: esperado('um texto') })
      .refine(codigoDeRastreioValido, {
        error: 'Não é um código de rastreio: confira as letras e o dígito verificador.',
      })
      .optional()
      .meta({ example: 'DL077986616BR' }),
  },
  { error: objeto },
)
