import type { Columns } from '@fluxo/shared/csv/header'
import { csvTextFault, type ReadLine, readCsvDay, readCsvValor } from '@fluxo/shared/csv/row'
import { instantInSaoPaulo } from '@fluxo/shared/day'
import {
  ADDRESS_CHARACTERS_MAX,
  NAME_CHARACTERS_MAX,
  type NewPedido,
  REFERENCIA_CHARACTERS_MAX,
} from '../domain/pedido.ts'
import { FUTURE_MESSAGE, isFuture, readTime } from '../domain/time.ts'

/** The columns of an import of orders. Name and address must be there. */
export const COLUMNS = ['customer_name', 'address', 'valor', 'referencia', 'occurred_at'] as const
export type PedidoColumn = (typeof COLUMNS)[number]

export const FORMAT: Columns<PedidoColumn> = {
  required: ['customer_name', 'address'],
  optional: ['valor', 'referencia', 'occurred_at'],
}

/** An order of a file, which may say when it was received. */
export type FilePedido = NewPedido & { occurredAt?: Date | undefined }

/** Reads one record as an order to be, or names every column that is wrong. The rules are those of `NewPedidoSchema`. */
export const readLine =
  (now: Date): ReadLine<PedidoColumn, FilePedido> =>
  (field, refuse) => {
    const text = (column: PedidoColumn, charactersMax: number): string => {
      const reason = csvTextFault(field(column), charactersMax)
      if (reason !== undefined) refuse(column, reason)
      return field(column)
    }
    const isGiven = (column: PedidoColumn): boolean => field(column) !== ''
    const customerName = text('customer_name', NAME_CHARACTERS_MAX)
    const address = text('address', ADDRESS_CHARACTERS_MAX)
    const referencia = isGiven('referencia') ? text('referencia', REFERENCIA_CHARACTERS_MAX) : undefined
    const valor = isGiven('valor') ? readCsvValor(field('valor')) : undefined
    if (typeof valor === 'string') refuse('valor', valor)
    const occurredAt = isGiven('occurred_at') ? readCsvTime(field('occurred_at')) : undefined
    if (isGiven('occurred_at') && occurredAt === undefined) refuse('occurred_at', CSV_TIME_MESSAGE)
    if (occurredAt !== undefined && isFuture(occurredAt, now)) refuse('occurred_at', FUTURE_MESSAGE)
    if (typeof valor === 'string') return undefined
    return { customerName, address, valor, referencia, occurredAt }
  }

const SPREADSHEET_TIME = /^([\d/]+) ([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
const CSV_TIME_MESSAGE = 'Deve ser data e hora, como 2025-10-15T12:34:56-03:00 ou 15/10/2025 12:34 (hora de São Paulo).'

/** A moment as programs write it, with its offset, or as a Brazilian spreadsheet does, by the clocks of São Paulo. */
function readCsvTime(text: string): Date | undefined {
  const [, written = '', hour = '', minute, second = '00'] = SPREADSHEET_TIME.exec(text) ?? []
  const day = readCsvDay(written)
  return day === undefined ? readTime(text) : instantInSaoPaulo(day, `${hour.padStart(2, '0')}:${minute}:${second}`)
}
