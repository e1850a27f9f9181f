import { ValidationError } from '../errors.ts'

/** The query of a URL as one text per name. A name that comes twice is refused: two readers would pick different ones. */
export function parametrosDe(url: string): Record<string, string> {
  const parametros = new Map<string, string>()
  for (const [nome, valor] of new URL(url).searchParams) {
    if (parametros.has(nome)) throw new ValidationError([{ campo: nome, mensagem: 'Parâmetro repetido.' }])
    parametros.set(nome, valor)
  }
  return Object.fromEntries(parametros)
}
