/** C0, DEL and C1 controls, and lone surrogates: PostgreSQL or JSON would choke on some, and no reader ever wants one. */
const PROIBIDO = /[\p{Cc}\p{Cs}]/u

/** Why a text of a merchant is refused; `undefined` where it is fine. Expects the text trimmed. */
export function motivoDeTexto(texto: string, caracteresMax: number): string | undefined {
  if (texto.length === 0) return 'Não pode ser vazio.'
  if (!cabe(texto, caracteresMax)) return `Deve ter no máximo ${caracteresMax} caracteres.`
  return PROIBIDO.test(texto) ? 'Não pode ter caracteres de controle, como quebra de linha ou tabulação.' : undefined
}

/** Counts code points only where the cheap bounds leave it open: one to two UTF-16 units are one code point. */
const cabe = (texto: string, caracteresMax: number): boolean =>
  texto.length <= caracteresMax || (texto.length <= caracteresMax * 2 && [...texto].length <= caracteresMax)

/** The first `caracteresMax` characters, never half of a surrogate pair, without a blank at the end. */
export const cortar = (texto: string, caracteresMax: number): string =>
  texto.length <= caracteresMax ? texto : [...texto].slice(0, caracteresMax).join('').trimEnd()
