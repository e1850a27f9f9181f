import { createImportacao as createImportacaoCsv, type Fate, type Importacao } from '@fluxo/shared/csv/importacao'
import { pedidoImpressao } from '../domain/impressao.ts'
import type { ReceiveResult } from '../mover/store.ts'
import { type FilePedido, FORMAT, readLine } from './line.ts'

/** Decides what a file of orders means that is read now. */
export const createImportacao = ({ now }: { now: Date }): Importacao<FilePedido> =>
  createImportacaoCsv({
    columns: FORMAT,
    readLine: readLine(now),
    referenciaOf: ({ referencia }) => referencia,
    impressaoOf: pedidoImpressao,
    nothingOfWhat: 'nenhum pedido',
  })

/** What the report says of a line, by what became of its order. */
export function lineResult(result: ReceiveResult): Fate {
  const { outcome, pedido } = result
  switch (outcome) {
    case 'created':
    case 'repeated':
      return outcome
    case 'reference-conflict':
      return result.sameContent
        ? 'repeated'
        : { refused: `Já existe um pedido com esta referência e outro conteúdo: ${pedido.id}.` }
    case 'key-conflict':
      return { refused: `A chave desta linha já registrou outro pedido: ${pedido.id}. Dê uma referencia à linha.` }
  }
}
