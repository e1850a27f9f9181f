import type { z } from 'zod'
import { type InvalidField, ValidationError } from '../errors.ts'

/** Wrong fields listed in one answer: enough to correct a form, too few to be an echo of what was sent. */
const ERRORS_MAX = 50
/** Characters of a field name that the client invented. */
const FIELD_CHARS_MAX = 80

/**
 * Reads `value` through `schema`.
 *
 * Throws `ValidationError` (422) with a Portuguese message for every wrong field; messages set in the schema win over these.
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, { error: messageOf })
  if (result.success) return result.data
  throw new ValidationError(fieldsOf(result.error))
}

/** One entry for each wrong field; an unknown field is named by itself. */
function fieldsOf(error: z.core.$ZodError): InvalidField[] {
  const fields: InvalidField[] = []
  for (const issue of error.issues) {
    const names = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    for (const path of names) {
      if (fields.length === ERRORS_MAX) return fields
      fields.push({ campo: path.map(String).join('.').slice(0, FIELD_CHARS_MAX), mensagem: issue.message })
    }
  }
  return fields
}

const TIPOS: Readonly<Record<string, string>> = {
  string: 'um texto',
  number: 'um número',
  int: 'um número inteiro',
  bigint: 'um número inteiro',
  boolean: 'verdadeiro ou falso',
  array: 'uma lista',
  object: 'um objeto',
  record: 'um objeto',
  date: 'uma data',
  null: 'nulo',
}

const FORMATS: Readonly<Record<string, string>> = {
  date: 'Deve ser uma data no formato AAAA-MM-DD.',
  datetime: 'Deve ser data e hora no formato ISO 8601.',
  uuid: 'Deve ser um UUID.',
  email: 'Deve ser um endereço de e-mail.',
  url: 'Deve ser uma URL.',
}

/** What the merchant reads for an issue whose schema has no message of its own. */
function messageOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${TIPOS[issue.expected] ?? issue.expected}.`
    case 'too_small':
      return limitMessage(
        issue.origin,
        issue.minimum,
        issue.exact,
        issue.inclusive === false ? 'maior que' : 'no mínimo',
      )
    case 'too_big':
      return limitMessage(
        issue.origin,
        issue.maximum,
        issue.exact,
        issue.inclusive === false ? 'menor que' : 'no máximo',
      )
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'Formato inválido.'
    case 'not_multiple_of':
      return `Deve ser múltiplo de ${issue.divisor}.`
    case 'unrecognized_keys':
      return 'Campo desconhecido.'
    case 'invalid_value':
      return issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${issue.values.map(String).join(' ou ')}.`
    default:
      return 'Valor inválido.'
  }
}

function limitMessage(origin: string, bound: number | bigint, exact: boolean | undefined, relation: string): string {
  const amount = exact === true ? `exatamente ${bound}` : `${relation} ${bound}`
  if (origin === 'string') return `Deve ter ${amount} ${plural(bound, 'caractere', 'caracteres')}.`
  if (origin === 'array' || origin === 'set') return `Deve ter ${amount} ${plural(bound, 'item', 'itens')}.`
  return `Deve ser ${amount}.`
}

const plural = (bound: number | bigint, one: string, many: string): string => (Number(bound) === 1 ? one : many)
