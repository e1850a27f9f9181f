import { diaValido } from '../dia.ts'
import { type Centavos, lerValor, MENSAGEM_DE_VALOR } from '../money.ts'
import { cortar, motivoDeTexto } from '../texto.ts'
import type { Colunas } from './cabecalho.ts'

/** What is wrong with a line. `coluna` is null where the line as a whole is; `valor` is what stood in the column, cut short. */
export type ErroDeLinha<Coluna extends string = string> = {
  linha: number
  coluna: Coluna | null
  valor?: string | undefined
  motivo: string
}

/** Characters of a refused value that the report repeats: enough to find it in the file. */
const VALOR_MOSTRADO_MAX = 80

const mostrado = (valor: string): string => {
  const inicio = cortar(valor, VALOR_MOSTRADO_MAX)
  return inicio.length < valor.length ? `${inicio}…` : inicio
}

/** Reads one record of a file, or names every column that is wrong. */
export type LerLinha<Coluna extends string, Pedido> = (
  campo: (coluna: Coluna) => string,
  recusar: (coluna: Coluna, motivo: string) => void,
) => Pedido | undefined

/**
 * Reads a record by `ler`, which refuses columns or gives what the line says; fields come trimmed, absent ones empty.
 *
 * Spreadsheets write empty fields after the last column, and leave out the separators of optional columns that are empty
 * in 16 lines (Excel): both are read. A line that the end of the file cuts (`aberta`) has to have all of its columns.
 */
export function lerRegistro<Coluna extends string, Pedido>(
  { linha, campos, aberta }: { linha: number; campos: readonly string[]; aberta?: true },
  colunas: Colunas<Coluna>,
  ler: LerLinha<Coluna, Pedido>,
): { pedido: Pedido } | { erros: ErroDeLinha<Coluna>[] } {
  const { quantas, minimo } = colunas
  if (campos.length < (aberta ? quantas : minimo) || (campos.length > quantas && !vazios(campos.slice(quantas)))) {
    const dica = campos.length > quantas ? ' Um campo que contém o separador precisa de aspas.' : ''
    const motivo = `Esperados ${quantas} campos, encontrados ${campos.length}.${dica}`
    return { erros: [{ linha, coluna: null, motivo }] }
  }
  const erros: ErroDeLinha<Coluna>[] = []
  const pedido = ler(
    (coluna) => campos[colunas.em[coluna]]?.trim() ?? '',
    (coluna, motivo) => {
      erros.push({ linha, coluna, valor: mostrado(campos[colunas.em[coluna]]?.trim() ?? ''), motivo })
    },
  )
  return erros.length > 0 || pedido === undefined ? { erros } : { pedido }
}

/** True where no field says anything. */
export const vazios = (campos: readonly string[]): boolean => campos.every((campo) => campo.trim() === '')

const DIA_BRASILEIRO = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/

/** What the merchant reads where `lerDiaCsv` finds no day. */
export const MENSAGEM_DE_DIA_CSV =
  'Deve ser um dia real do calendário, como 2025-10-15 ou 15/10/2025, entre 1900 e 2199.'

/** Reads a day as programs write it (`2025-10-15`) or as Brazilian spreadsheets do (`15/10/2025`); `undefined` where it is none. */
export function lerDiaCsv(texto: string): string | undefined {
  const [, dia = '', mes = '', ano] = DIA_BRASILEIRO.exec(texto) ?? []
  const iso = ano === undefined ? texto : `${ano}-${mes.padStart(2, '0')}-${dia.padStart(2, '0')}`
  return diaValido(iso) ? iso : undefined
}

/** `R$` before the digits, with whatever blank the spreadsheet puts there. */
const MOEDA = /^(-?)\s*R\$\s*/i
/** `1.234.567,89` or `1.234.567`: points between groups of three, a comma before the decimals. */
const MILHARES = /^-?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/
/** One point and three digits: a thousand in Brazil, one unit and a bit elsewhere. */
const AMBIGUO = /^-?\d{1,3}\.\d{3}$/
const VIRGULA_DECIMAL = /^-?\d+,\d+$/

/**
 * Reads the amount of a line, or says why it cannot: `1234.56`, `1234,56`, `1.234,56` and `R$ 1.234,56` are one and the same.
 * `1.234` alone is refused, since it means 1234.00 to some and 1.23 to others: with money, nobody guesses.
 */
export function lerValorCsv(escrito: string): Centavos | string {
  const texto = escrito.includes('$') ? escrito.replace(MOEDA, '$1') : escrito
  if (AMBIGUO.test(texto)) return `Ambíguo: escreva ${texto.replace('.', '')}.00 ou ${texto},00.`
  const comPonto =
    MILHARES.test(texto) || VIRGULA_DECIMAL.test(texto) ? texto.replaceAll('.', '').replace(',', '.') : texto
  const lido = lerValor(comPonto)
  if (typeof lido === 'bigint') return lido
  return lido === 'formato' ? 'Deve ser um valor como 1234.56, 1.234,56 ou R$ 1.234,56.' : MENSAGEM_DE_VALOR[lido]
}

/** U+FFFD: what the decoder left of bytes that are no character. */
const ILEGIVEL = '\ufffd'

/** Why a text of a line is refused; `undefined` where it is fine. */
export const motivoDeTextoCsv = (texto: string, caracteresMax: number): string | undefined =>
  texto.includes(ILEGIVEL) ? 'Tem bytes que não são texto em UTF-8.' : motivoDeTexto(texto, caracteresMax)
