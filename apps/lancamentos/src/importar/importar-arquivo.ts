import type { Relatorio } from '@fluxo/shared/csv/relatorio'
import { type Arquivo, importarArquivo as importarCsv } from '@fluxo/shared/http/importar-arquivo'
import type { Posicoes } from '@fluxo/shared/http/posicao'
import { aceito } from '../registrar/registro.ts'
import type { RegistroStore } from '../registrar/store.ts'
import { createImportacao, destinoDe } from './importar.ts'

export type ImportarDeps = {
  store: Pick<RegistroStore, 'registrarLote'>
  novoId: () => string
  agora: () => Date
}

type Envio = Arquivo & { comercianteId: string; posicoes: Posicoes }

/** Imports a file of entries as it arrives. Every line has a key or a `referencia`, so that a batch can be sent again. */
export const importarArquivo = (
  { store, novoId, agora }: ImportarDeps,
  { comercianteId, posicoes, ...arquivo }: Envio,
): Promise<Relatorio> => {
  const importacao = createImportacao()
  return importarCsv({
    ...arquivo,
    importacao,
    gravar: async (linhas) => {
      const createdAt = agora()
      const itens = linhas.map(({ pedido, chave }) => ({
        lancamento: { ...pedido, id: novoId(), comercianteId, createdAt },
        chave,
      }))
      const registros = await store.registrarLote(itens)
      for (const registro of registros) if (aceito(registro)) posicoes.anotar(registro)
      return registros.map(destinoDe)
    },
  })
}
