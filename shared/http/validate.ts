import type { z } from 'zod'
import { type CampoInvalido, ValidationError } from '../errors.ts'

/** Wrong fields listed in one answer: enough to correct a form, too few to be an echo of what was sent. */
const ERROS_MAX = 50
/** Characters of a field name that the client invented. */
const CAMPO_CHARS_MAX = 80

/**
 * Reads `value` through `schema`.
 *
 * Throws `ValidationError` (422) with a Portuguese message for every wrong field; messages set in the schema win over these.
 */
export function parseWith<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, { error: mensagemDe })
  if (result.success) return result.data
  throw new ValidationError(camposDe(result.error))
}

/** One entry for each wrong field; an unknown field is named by itself. */
function camposDe(error: z.core.$ZodError): CampoInvalido[] {
  const campos: CampoInvalido[] = []
  for (const issue of error.issues) {
    const names = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    for (const path of names) {
      if (campos.length === ERROS_MAX) return campos
      campos.push({ campo: path.map(String).join('.').slice(0, CAMPO_CHARS_MAX), mensagem: issue.message })
    }
  }
  return campos
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

const FORMATOS: Readonly<Record<string, string>> = {
  date: 'Deve ser uma data no formato AAAA-MM-DD.',
  datetime: 'Deve ser data e hora no formato ISO 8601.',
  uuid: 'Deve ser um UUID.',
  email: 'Deve ser um endereço de e-mail.',
  url: 'Deve ser uma URL.',
}

/** What the merchant reads for an issue whose schema has no message of its own. */
function mensagemDe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'Campo obrigatório.' : `Deve ser ${TIPOS[issue.expected] ?? issue.expected}.`
    case 'too_small':
      return limite(issue.origin, issue.minimum, issue.exact, issue.inclusive === false ? 'maior que' : 'no mínimo')
    case 'too_big':
      return limite(issue.origin, issue.maximum, issue.exact, issue.inclusive === false ? 'menor que' : 'no máximo')
    case 'invalid_format':
      return FORMATOS[issue.format] ?? 'Formato inválido.'
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

function limite(origem: string, valor: number | bigint, exato: boolean | undefined, relacao: string): string {
  const quanto = exato === true ? `exatamente ${valor}` : `${relacao} ${valor}`
  if (origem === 'string') return `Deve ter ${quanto} ${plural(valor, 'caractere', 'caracteres')}.`
  if (origem === 'array' || origem === 'set') return `Deve ter ${quanto} ${plural(valor, 'item', 'itens')}.`
  return `Deve ser ${quanto}.`
}

const plural = (valor: number | bigint, um: string, muitos: string): string => (Number(valor) === 1 ? um : muitos)
