import { z } from 'zod'
import { DAY_MESSAGE, isDay } from './day.ts'
import { ValidationError } from './errors.ts'
import { readValor, VALOR_MESSAGES } from './money.ts'
import { textFault } from './text.ts'

/** "Missing" and "wrong kind" in words; everything else about a field is said by its own rule. */
export const expected =
  (kind: string) =>
  (issue: { input?: unknown }): string =>
    issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${kind}.`

/** A text of a merchant: trimmed, 1 to `charactersMax` characters, none of them a control. */
export const textSchema = (charactersMax: number) =>
  z
    .string({ error: expected('um texto') })
    .transform((valor, ctx) => {
      const trimmed = valor.trim()
      const reason = textFault(trimmed, charactersMax)
      if (reason === undefined) return trimmed
      ctx.issues.push({ code: 'custom', message: reason, input: valor })
      return z.NEVER
    })
    .meta({ type: 'string', minLength: 1, maxLength: charactersMax })

/** A calendar day. */
export const DaySchema = z
  .string({ error: expected('um texto') })
  .refine(isDay, { error: DAY_MESSAGE })
  .meta({ format: 'date', example: '2025-10-15' })

/** An amount: arrives as the exact source text of the JSON number or string (`readJsonBody`), leaves as cents. */
export const ValorSchema = z
  .string({ error: expected('um número decimal') })
  .transform((text, ctx) => {
    const parsed = readValor(text)
    if (typeof parsed === 'bigint') return parsed
    ctx.issues.push({ code: 'custom', message: VALOR_MESSAGES[parsed], input: text })
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
export const AmountSchema = z.number().meta({
  description: 'Reais, escritos com duas casas decimais: 15 algarismos, exatos também em ponto flutuante.',
  example: 150.5,
  'x-centavos': true,
})

/** A moment in an answer, for its documentation. */
export const InstantSchema = z.string().meta({ format: 'date-time', example: '2025-10-15T12:34:56.789Z' })

/** Refuses a period that ends before it begins. */
export function requirePeriod({ de, ate }: { de?: string | undefined; ate?: string | undefined }): void {
  if (de !== undefined && ate !== undefined && de > ate) {
    throw new ValidationError([{ campo: 'de', mensagem: 'Não pode ser depois de ate.' }])
  }
}

/** How many items a page holds: a text `1` to `max`, since it comes from a query. */
export const limitSchema = ({ max, standard }: { max: number; standard: number }) => {
  const error = `Deve ser um número inteiro de 1 a ${max}.`
  return z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error })
    .transform(Number)
    .refine((limit) => limit <= max, { error })
    .meta({
      type: 'integer',
      minimum: 1,
      maximum: max,
      default: standard,
      description: 'Quantos itens uma página tem, no máximo.',
      example: standard,
    })
}
