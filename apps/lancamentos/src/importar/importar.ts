import { createImportacao as createImportacaoCsv, type Destino, type Importacao } from '@fluxo/shared/csv/importacao'
import { invariant } from '@fluxo/shared/errors'
import { impressaoDe } from '../domain/impressao.ts'
import type { Pedido } from '../domain/lancamento.ts'
import { aceito, type Registro } from '../registrar/registro.ts'
import { FORMATO, lerLinha } from './linha.ts'

/** Decides what a file of entries means. */
export const createImportacao = ({ conteudosMax }: { conteudosMax?: number } = {}): Importacao<Pedido> =>
  createImportacaoCsv({
    formato: FORMATO,
    lerLinha,
    referenciaDe: ({ referencia }) => referencia,
    impressaoDe,
    oQue: 'nenhum lançamento',
    ...(conteudosMax !== undefined && { conteudosMax }),
  })

/** What the report says of a line, by what the ledger said of its entry. */
export function destinoDe(registro: Registro): Destino {
  if (registro.desfecho === 'criado') return 'criado'
  if (aceito(registro)) return 'repetido'
  if (registro.desfecho === 'conflito-de-referencia') {
    return {
      recusado: `Já existe um lançamento com esta referência e outro conteúdo: ${registro.lancamento.id}.`,
    }
  }
  // Only a merchant who sends our own `csv:…` keys as Idempotency-Key gets here.
  invariant(registro.desfecho === 'conflito-de-chave', 'an imported line reverses nothing')
  return {
    recusado: `A chave desta linha já registrou outro lançamento: ${registro.lancamento.id}. Dê uma referencia à linha.`,
  }
}
