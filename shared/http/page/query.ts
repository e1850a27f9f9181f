import { ValidationError } from '../../errors.ts'

/** The query of a URL as one text per name. A name that comes twice is refused: two readers would pick different ones. */
export function parametersOf(url: string): Record<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URL(url).searchParams) {
    if (parameters.has(name)) throw new ValidationError([{ campo: name, mensagem: 'Parâmetro repetido.' }])
    parameters.set(name, value)
  }
  return Object.fromEntries(parameters)
}
