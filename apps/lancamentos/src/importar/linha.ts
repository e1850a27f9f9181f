import { diaValido, MENSAGEM_DE_DIA } from '@fluxo/shared/dia'
import { type Centavos, lerValor, MENSAGEM_DE_VALOR } from '@fluxo/shared/money'
import { motivoDeTexto } from '@fluxo/shared/texto'
import { DESCRICAO_CARACTERES_MAX, type Pedido, REFERENCIA_CARACTERES_MAX, type Tipo } from '../domain/lancamento.ts'
import type { Coluna, Colunas } from './cabecalho.ts'

/** What is wrong with a line. `coluna` is null where the line as a whole is. */
export type ErroDeLinha = { linha: number; coluna: Coluna | null; motivo: string }

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

const motivoDeTextoCsv = (texto: string, caracteresMax: number): string | undefined =>
  texto.includes(ILEGIVEL) ? 'Tem bytes que não são texto em UTF-8.' : motivoDeTexto(texto, caracteresMax)

/** Reads one record as an entry to be, or names every column that is wrong. The rules are those of `PedidoSchema`. */
export function lerLinha(linha: number, campos: readonly string[], colunas: Colunas): Pedido | ErroDeLinha[] {
  if (campos.length !== colunas.quantas) {
    const dica = campos.length > colunas.quantas ? ' Um campo que contém o separador precisa de aspas.' : ''
    const motivo = `Esperados ${colunas.quantas} campos, encontrados ${campos.length}.${dica}`
    return [{ linha, coluna: null, motivo }]
  }
  const campo = (coluna: Coluna): string => campos[colunas[coluna]]?.trim() ?? ''
  const erros: ErroDeLinha[] = []
  const recusar = (coluna: Coluna, motivo: string): void => {
    erros.push({ linha, coluna, motivo })
  }

  const data = campo('data')
  if (!diaValido(data)) recusar('data', MENSAGEM_DE_DIA)
  const tipo = campo('tipo')
  if (!ehTipo(tipo)) recusar('tipo', 'Deve ser CREDITO ou DEBITO.')
  const valor = lerValorCsv(campo('valor'))
  if (typeof valor === 'string') recusar('valor', valor)
  const descricao = campo('descricao')
  const motivoDescricao = motivoDeTextoCsv(descricao, DESCRICAO_CARACTERES_MAX)
  if (motivoDescricao !== undefined) recusar('descricao', motivoDescricao)
  const referencia = campo('referencia')
  const motivoReferencia = referencia && motivoDeTextoCsv(referencia, REFERENCIA_CARACTERES_MAX)
  if (motivoReferencia) recusar('referencia', motivoReferencia)

  if (erros.length > 0 || !ehTipo(tipo) || typeof valor === 'string') return erros
  return { tipo, valor, data, descricao, referencia: referencia || undefined }
}

const ehTipo = (texto: string): texto is Tipo => texto === 'CREDITO' || texto === 'DEBITO'
