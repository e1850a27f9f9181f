import type { Formato } from '@fluxo/shared/csv/cabecalho'
import { type LerLinha, lerDiaCsv, lerValorCsv, motivoDeTextoCsv } from '@fluxo/shared/csv/linha'
import { instanteEmSaoPaulo } from '@fluxo/shared/dia'
import { lerMomento, MENSAGEM_DE_FUTURO, noFuturo } from '../domain/momento.ts'
import {
  ENDERECO_CARACTERES_MAX,
  NOME_CARACTERES_MAX,
  type NovoPedido,
  REFERENCIA_CARACTERES_MAX,
} from '../domain/pedido.ts'

/** The columns of an import of orders. Name and address must be there. */
export const COLUNAS = ['customer_name', 'address', 'valor', 'referencia', 'occurred_at'] as const
export type Coluna = (typeof COLUNAS)[number]

export const FORMATO: Formato<Coluna> = {
  obrigatorias: ['customer_name', 'address'],
  opcionais: ['valor', 'referencia', 'occurred_at'],
}

/** An order of a file, which may say when it was received. */
export type PedidoDoArquivo = NovoPedido & { ocorridoEm?: Date | undefined }

/** Reads one record as an order to be, or names every column that is wrong. The rules are those of `NovoPedidoSchema`. */
export const lerLinha =
  (agora: Date): LerLinha<Coluna, PedidoDoArquivo> =>
  (campo, recusar) => {
    const texto = (coluna: Coluna, caracteresMax: number): string => {
      const motivo = motivoDeTextoCsv(campo(coluna), caracteresMax)
      if (motivo !== undefined) recusar(coluna, motivo)
      return campo(coluna)
    }
    const opcional = (coluna: Coluna): boolean => campo(coluna) !== ''
    const customerName = texto('customer_name', NOME_CARACTERES_MAX)
    const address = texto('address', ENDERECO_CARACTERES_MAX)
    const referencia = opcional('referencia') ? texto('referencia', REFERENCIA_CARACTERES_MAX) : undefined
    const valor = opcional('valor') ? lerValorCsv(campo('valor')) : undefined
    if (typeof valor === 'string') recusar('valor', valor)
    const ocorridoEm = opcional('occurred_at') ? lerMomentoCsv(campo('occurred_at')) : undefined
    if (opcional('occurred_at') && ocorridoEm === undefined) recusar('occurred_at', MENSAGEM_DE_MOMENTO_CSV)
    if (ocorridoEm !== undefined && noFuturo(ocorridoEm, agora)) recusar('occurred_at', MENSAGEM_DE_FUTURO)
    if (typeof valor === 'string') return undefined
    return { customerName, address, valor, referencia, ocorridoEm }
  }

const HORA_DA_PLANILHA = /^([\d/]+) ([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
const MENSAGEM_DE_MOMENTO_CSV =
  'Deve ser data e hora, como 2025-10-15T12:34:56-03:00 ou 15/10/2025 12:34 (hora de São Paulo).'

/** A moment as programs write it, with its offset, or as a Brazilian spreadsheet does, by the clocks of São Paulo. */
function lerMomentoCsv(texto: string): Date | undefined {
  const [, escrito = '', hora = '', minuto, segundo = '00'] = HORA_DA_PLANILHA.exec(texto) ?? []
  const dia = lerDiaCsv(escrito)
  return dia === undefined
    ? lerMomento(texto)
    : instanteEmSaoPaulo(dia, `${hora.padStart(2, '0')}:${minuto}:${segundo}`)
}
