import { diaValido, MENSAGEM_DE_DIA } from '@fluxo/shared/dia'
import { z } from 'zod'
import { lerValor, MENSAGEM_DE_VALOR } from './dinheiro.ts'
import { TIPOS } from './lancamento.ts'
import { DESCRICAO_CARACTERES_MAX, motivoDeTexto, REFERENCIA_CARACTERES_MAX } from './texto.ts'

/** "Missing" and "wrong kind" in words; everything else about a field is said by its own rule. */
const esperado =
  (kind: string) =>
  (issue: { input?: unknown }): string =>
    issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${kind}.`

/** A text of an entry: trimmed, 1 to `caracteresMax` characters, none of them a control. */
const texto = (caracteresMax: number) =>
  z.string({ error: esperado('um texto') }).transform((valor, ctx) => {
    const limpo = valor.trim()
    const motivo = motivoDeTexto(limpo, caracteresMax)
    if (motivo === undefined) return limpo
    ctx.issues.push({ code: 'custom', message: motivo, input: valor })
    return z.NEVER
  })

/** A calendar day of an entry. */
export const DiaSchema = z
  .string({ error: esperado('um texto') })
  .refine(diaValido, { error: MENSAGEM_DE_DIA })
  .meta({ format: 'date', example: '2025-10-15' })

export const DescricaoSchema = texto(DESCRICAO_CARACTERES_MAX).meta({
  type: 'string',
  minLength: 1,
  maxLength: DESCRICAO_CARACTERES_MAX,
  example: 'Venda produto X',
})

export const ReferenciaSchema = texto(REFERENCIA_CARACTERES_MAX).meta({
  type: 'string',
  minLength: 1,
  maxLength: REFERENCIA_CARACTERES_MAX,
  description: 'Nome do lançamento no sistema do comerciante, único por comerciante.',
  example: 'NF-123',
})

/** Arrives as the exact source text of the JSON number or string (`readJsonBody`), leaves as cents. */
const ValorSchema = z
  .string({ error: esperado('um número decimal') })
  .transform((texto, ctx) => {
    const lido = lerValor(texto)
    if (typeof lido === 'bigint') return lido
    ctx.issues.push({ code: 'custom', message: MENSAGEM_DE_VALOR[lido], input: texto })
    return z.NEVER
  })
  .meta({
    type: 'number',
    description: 'Número JSON ou texto decimal, maior que zero, no máximo 2 casas decimais, até 9999999999999.99.',
    example: 150.5,
  })

export const TipoSchema = z.enum(TIPOS, {
  error: (issue) => (issue.input === undefined ? 'Campo obrigatório.' : 'Deve ser CREDITO ou DEBITO.'),
})

/**
 * The body of `POST /lancamentos` and of every line of a batch: strict, since a misspelt optional field that is silently
 * dropped is a wrong book. Its output is a `Pedido`.
 */
export const PedidoSchema = z.strictObject(
  {
    valor: ValorSchema,
    tipo: TipoSchema,
    descricao: DescricaoSchema,
    data: DiaSchema,
    referencia: ReferenciaSchema.optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? undefined : 'Deve ser um objeto JSON com os campos do lançamento.',
  },
)
