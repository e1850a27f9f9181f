import { z } from 'zod'
import { diaValido, MENSAGEM_DE_DIA } from './dia.ts'
import { lerValor, MENSAGEM_DE_VALOR } from './money.ts'
import { motivoDeTexto } from './texto.ts'

/** "Missing" and "wrong kind" in words; everything else about a field is said by its own rule. */
export const esperado =
  (kind: string) =>
  (issue: { input?: unknown }): string =>
    issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${kind}.`

/** A text of a merchant: trimmed, 1 to `caracteresMax` characters, none of them a control. */
export const textoSchema = (caracteresMax: number) =>
  z
    .string({ error: esperado('um texto') })
    .transform((valor, ctx) => {
      const limpo = valor.trim()
      const motivo = motivoDeTexto(limpo, caracteresMax)
      if (motivo === undefined) return limpo
      ctx.issues.push({ code: 'custom', message: motivo, input: valor })
      return z.NEVER
    })
    .meta({ type: 'string', minLength: 1, maxLength: caracteresMax })

/** A calendar day. */
export const DiaSchema = z
  .string({ error: esperado('um texto') })
  .refine(diaValido, { error: MENSAGEM_DE_DIA })
  .meta({ format: 'date', example: '2025-10-15' })

/** An amount: arrives as the exact source text of the JSON number or string (`readJsonBody`), leaves as cents. */
export const ValorSchema = z
  .string({ error: esperado('um número decimal') })
  .transform((texto, ctx) => {
    const lido = lerValor(texto)
    if (typeof lido === 'bigint') return lido
    ctx.issues.push({ code: 'custom', message: MENSAGEM_DE_VALOR[lido], input: texto })
    return z.NEVER
  })
  .meta({
    type: 'string',
    pattern: '^(0|[1-9]\\d{0,12})(\\.\\d{1,2})?$',
    description:
      'Reais, maior que zero, com até 2 casas decimais, até 9999999999999.99. Um número JSON também é aceito.',
    example: '150.50',
    'x-centavos': true,
  })

/** An amount in an answer, for its documentation: it is written by hand, from the cents. */
export const QuantiaSchema = z.number().meta({
  description: 'Reais, escritos com duas casas decimais: 15 algarismos, exatos também em ponto flutuante.',
  example: 150.5,
  'x-centavos': true,
})

/** A moment in an answer, for its documentation. */
export const InstanteSchema = z.string().meta({ format: 'date-time', example: '2025-10-15T12:34:56.789Z' })

/** How many items a page holds: a text `1` to `max`, since it comes from a query. */
export const limiteSchema = ({ max, padrao }: { max: number; padrao: number }) => {
  const error = `Deve ser um número inteiro de 1 a ${max}.`
  return z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error })
    .transform(Number)
    .refine((limite) => limite <= max, { error })
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: max,
      default: padrao,
      description: 'Quantos itens uma página tem, no máximo.',
      example: padrao,
    })
}
