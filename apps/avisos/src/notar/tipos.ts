import { PEDIDO_TIPOS } from '../logs/pedidos.ts'

/** Entries of the ledger, by the lot. */
export const LANCAMENTO_REGISTRADO = 'lancamento.registrado'
/** The balance of a day. */
export const SALDO_ALTERADO = 'consolidado.dia_alterado'

/** What a merchant may ask to be told of: a type by its name, or all types of a log. */
export const TIPOS = [
  ...PEDIDO_TIPOS,
  LANCAMENTO_REGISTRADO,
  SALDO_ALTERADO,
  'order.*',
  'lancamento.*',
  'consolidado.*',
] as const
