import { type Centavos, lerValor, MENSAGEM_DE_VALOR } from '../money.ts'
import { motivoDeTexto } from '../texto.ts'
import type { Colunas } from './cabecalho.ts'

/** What is wrong with a line. `coluna` is null where the line as a whole is. */
export type ErroDeLinha<Coluna extends string = string> = { linha: number; coluna: Coluna | null; motivo: string }

/** Reads one record of a file, or names every column that is wrong. */
export type LerLinha<Coluna extends string, Pedido> = (
  campo: (coluna: Coluna) => string,
  recusar: (coluna: Coluna, motivo: string) => void,
) => Pedido | undefined

/** Reads a record by `ler`, which refuses columns or gives what the line says; fields come trimmed, absent ones empty. */
export function lerRegistro<Coluna extends string, Pedido>(
  { linha, campos }: { linha: number; campos: readonly string[] },
  colunas: Colunas<Coluna>,
  ler: LerLinha<Coluna, Pedido>,
): { pedido: Pedido } | { erros: ErroDeLinha<Coluna>[] } {
  if (campos.length !== colunas.quantas) {
    const dica = campos.length > colunas.quantas ? ' Um campo que contém o separador precisa de aspas.' : ''
    const motivo = `Esperados ${colunas.quantas} campos, encontrados ${campos.length}.${dica}`
    return { erros: [{ linha, coluna: null, motivo }] }
  }
  const erros: ErroDeLinha<Coluna>[] = []
  const pedido = ler(
    (coluna) => campos[colunas.em[coluna]]?.trim() ?? '',
    (coluna, motivo) => {
      erros.push({ linha, coluna, motivo })
    },
  )
  return erros.length > 0 || pedido === undefined ? { erros } : { pedido }
}

/** `1.234.567,89` or `1.234.567`: points between groups of three, a comma before the decimals. */
const MILHARES = /^-?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/
/** One point and three digits: a thousand in Brazil, one unit and a bit elsewhere. */
const AMBIGUO = /^-?\d{1,3}\.\d{3}$/
const VIRGULA_DECIMAL = /^-?\d+,\d+$/

/**
 * Reads the amount of a line, or says why it cannot: `1234.56`, `1234,56` and `1.234,56` are one and the same.
 * `1.234` alone is refused, since it means 1234.00 to some and 1.23 to others: with money, nobody guesses.
 */
export function lerValorCsv(texto: string): Centavos | string {
  if (AMBIGUO.test(texto)) return `Ambíguo: escreva ${texto.replace('.', '')}.00 ou ${texto},00.`
  const comPonto =
    MILHARES.test(texto) || VIRGULA_DECIMAL.test(texto) ? texto.replaceAll('.', '').replace(',', '.') : texto
  const lido = lerValor(comPonto)
  if (typeof lido === 'bigint') return lido
  return lido === 'formato' ? 'Deve ser um valor como 1234.56 ou 1.234,56.' : MENSAGEM_DE_VALOR[lido]
}

/** U+FFFD: what the decoder left of bytes that are no character. */
const ILEGIVEL = '\ufffd'

/** Why a text of a line is refused; `undefined` where it is fine. */
export const motivoDeTextoCsv = (texto: string, caracteresMax: number): string | undefined =>
  texto.includes(ILEGIVEL) ? 'Tem bytes que não são texto em UTF-8.' : motivoDeTexto(texto, caracteresMax)
