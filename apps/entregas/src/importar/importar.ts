import { createImportacao as createImportacaoCsv, type Destino, type Importacao } from '@fluxo/shared/csv/importacao'
import { impressaoDoPedido } from '../domain/impressao.ts'
import type { Recebido } from '../mover/store.ts'
import { FORMATO, lerLinha, type PedidoDoArquivo } from './linha.ts'

/** Decides what a file of orders means that is read now. */
export const createImportacao = ({ agora }: { agora: Date }): Importacao<PedidoDoArquivo> =>
  createImportacaoCsv({
    formato: FORMATO,
    lerLinha: lerLinha(agora),
    referenciaDe: ({ referencia }) => referencia,
    impressaoDe: impressaoDoPedido,
    oQue: 'nenhum pedido',
  })

/** True where the order is there as the line says it. */
export const aceito = (recebido: Recebido): boolean =>
  recebido.desfecho === 'criado' ||
  recebido.desfecho === 'repetido' ||
  (recebido.desfecho === 'conflito-de-referencia' && recebido.mesmoConteudo)

/** What the report says of a line, by what became of its order. */
export function destinoDe(recebido: Recebido): Destino {
  const { desfecho, pedido } = recebido
  switch (desfecho) {
    case 'criado':
    case 'repetido':
      return desfecho
    case 'conflito-de-referencia':
      return recebido.mesmoConteudo
        ? 'repetido'
        : { recusado: `Já existe um pedido com esta referência e outro conteúdo: ${pedido.id}.` }
    case 'conflito-de-chave':
      return { recusado: `A chave desta linha já registrou outro pedido: ${pedido.id}. Dê uma referencia à linha.` }
  }
}
