import type { ImportReport } from '@fluxo/shared/csv/report'
import type { Posicoes } from '@fluxo/shared/http/posicao'
import { type ImportFile, importCsvFile as importCsv } from '@fluxo/shared/imports/import-file'
import { isAccepted } from '@fluxo/shared/outcome'
import type { LancamentoStore } from '../registrar/store.ts'
import { createImportacao, destinationOf } from './importar.ts'

export type ImportLancamentosDeps = {
  store: Pick<LancamentoStore, 'registrarLote'>
  newId: () => string
  now: () => Date
}

type ImportUpload = ImportFile & { comercianteId: string; posicoes: Posicoes }

/** Imports a file of entries as it arrives. Every line has a key or a `referencia`, so that a batch can be sent again. */
export const importFile = (
  { store, newId, now }: ImportLancamentosDeps,
  { comercianteId, posicoes, ...file }: ImportUpload,
): Promise<ImportReport> => {
  const importacao = createImportacao()
  return importCsv({
    ...file,
    importacao,
    save: async (lines) => {
      const createdAt = now()
      const items = lines.map(({ pedido: novo, chave }) => ({
        lancamento: { ...novo, id: newId(), comercianteId, createdAt },
        chave,
      }))
      const registrations = await store.registrarLote(items)
      for (const registration of registrations) if (isAccepted(registration)) posicoes.note(registration)
      return registrations.map(destinationOf)
    },
  })
}
