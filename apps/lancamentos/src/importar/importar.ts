import { createImportacao as createImportacaoCsv, type Fate, type Importacao } from '@fluxo/shared/csv/importacao'
import { invariant } from '@fluxo/shared/errors'
import { isAccepted } from '@fluxo/shared/outcome'
import { impressaoOf } from '../domain/impressao.ts'
import type { NovoLancamento } from '../domain/lancamento.ts'
import type { Registration } from '../registrar/registration.ts'
import { IMPORT_FORMAT, readLine } from './line.ts'

/** Decides what a file of entries means. */
export const createImportacao = ({ contentsMax }: { contentsMax?: number } = {}): Importacao<NovoLancamento> =>
  createImportacaoCsv({
    columns: IMPORT_FORMAT,
    readLine,
    referenciaOf: ({ referencia }) => referencia,
    impressaoOf,
    nothingOfWhat: 'nenhum lançamento',
    ...(contentsMax !== undefined && { contentsMax }),
  })

/** What the report says of a line, by what the ledger said of its entry. */
export function destinationOf(registration: Registration): Fate {
  if (registration.outcome === 'created') return 'created'
  if (isAccepted(registration)) return 'repeated'
  if (registration.outcome === 'reference-conflict') {
    return {
      refused: `Já existe um lançamento com esta referência e outro conteúdo: ${registration.lancamento.id}.`,
    }
  }
  // Only a merchant who sends our own `csv:…` keys as Idempotency-Key gets here.
  invariant(registration.outcome === 'key-conflict', 'an imported line reverses nothing')
  return {
    refused: `A chave desta linha já registrou outro lançamento: ${registration.lancamento.id}. Dê uma referencia à linha.`,
  }
}
