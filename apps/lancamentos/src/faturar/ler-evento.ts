import { type Reader, readData } from '@fluxo/shared/log/event'
import { centsFromDecimal } from '@fluxo/shared/money'
import { z } from 'zod'
import type { Entrega } from './faturar.ts'

/** An order's event as the ledger follows it; `entrega` is absent where it is no money. */
export type Lancavel = { posicao: number; id: string; entrega?: Entrega | undefined }

/** The facts that the ledger knows: delivered; returned; and corrected, where a delivery turned out to be none. */
const ENTREGUE = 'pedido.entregue.v1'
const DEVOLVIDO = 'pedido.devolvido.v1'
const CORRIGIDO = 'pedido.corrigido.v1'
/** Another version of them is another fact: it must not be passed over in silence. */
const OUTRA_VERSAO = /^pedido\.(entregue|devolvido|corrigido)\.v(?!1$)/

const momento = z.iso.datetime({ offset: true }).transform((texto) => new Date(texto))
const DadosSchema = z.object({
  order_id: z.guid(),
  comerciante_id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  previous_status: z.string().nullish(),
  occurred_at: momento,
  valor: z.string().optional(),
  delivery: z.int().positive().optional(),
  delivered_at: momento.optional(),
})

/** Reads an event of the orders' log. Fields that it does not know are ignored. */
export const lerLancavel: Reader<Lancavel> = (evento, posicao) => {
  const { id, type, traceparent } = evento
  if (OUTRA_VERSAO.test(type)) return `unknown type: ${type}`
  if (type !== ENTREGUE && type !== DEVOLVIDO && type !== CORRIGIDO) return { posicao, id }
  const dados = readData(DadosSchema, evento)
  if (typeof dados === 'string') return dados
  const entrega = entregaDe(type, dados, traceparent)
  return entrega === 'sem valor' ? 'data.valor: not a positive amount' : { posicao, id, entrega }
}

type Dados = z.output<typeof DadosSchema>

/** The money of an event: none where nothing is paid, or where what is taken back was no delivery. */
function entregaDe(type: string, dados: Dados, rastro: string | undefined): Entrega | undefined | 'sem valor' {
  const { valor: texto, delivery: numero, delivered_at: entregueEm, occurred_at: ocorridoEm } = dados
  if (texto === undefined || numero === undefined || entregueEm === undefined) return undefined
  if (type === CORRIGIDO && dados.previous_status !== 'DELIVERED') return undefined
  const valor = centsFromDecimal(texto)
  if (valor === undefined || valor === 0n) return 'sem valor'
  return {
    comercianteId: dados.comerciante_id,
    pedidoId: dados.order_id,
    numero,
    valor,
    entregueEm,
    ...(type !== ENTREGUE && { devolvidoEm: ocorridoEm }),
    rastro,
  }
}
