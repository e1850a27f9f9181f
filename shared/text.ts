/** C0, DEL and C1 controls, and lone surrogates: PostgreSQL or JSON would choke on some, and no reader ever wants one. */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u

/** Why a text of a merchant is refused; `undefined` where it is fine. Expects the text trimmed. */
export function textFault(text: string, charactersMax: number): string | undefined {
  if (text.length === 0) return 'Não pode ser vazio.'
  if (!fits(text, charactersMax)) return `Deve ter no máximo ${charactersMax} caracteres.`
  return FORBIDDEN.test(text) ? 'Não pode ter caracteres de controle, como quebra de linha ou tabulação.' : undefined
}

/** Counts code points only where the cheap bounds leave it open: one to two UTF-16 units are one code point. */
const fits = (text: string, charactersMax: number): boolean =>
  text.length <= charactersMax || (text.length <= charactersMax * 2 && [...text].length <= charactersMax)

/** The first `charactersMax` characters, never half of a surrogate pair, without a blank at the end. */
export const truncate = (text: string, charactersMax: number): string =>
  text.length <= charactersMax ? text : [...text].slice(0, charactersMax).join('').trimEnd()
