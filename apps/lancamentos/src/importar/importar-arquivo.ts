import { setTimeout as esperar } from 'node:timers/promises'
import { Indisponivel } from '@fluxo/shared/errors'
import type { RegistroStore } from '../registrar/store.ts'
import { type Codificacao, createDecodificador } from './codificacao.ts'
import { createLeitorCsv } from './csv.ts'
import { createImportacao, type LinhaPronta } from './importar.ts'
import type { Trechos } from './receber.ts'
import type { Relatorio } from './relatorio.ts'

export type ImportarDeps = {
  store: Pick<RegistroStore, 'registrarLote'>
  novoId: () => string
  agora: () => Date
}

/** Lines of a batch: one statement of the ledger. Larger ones gained nothing and hold the counter longer. */
const LOTE_LINHAS = 500
/** PostgreSQL works on one batch while the next is read. More would only wait for the partition's counter. */
const LOTES_EM_VOO_MAX = 2
/** A restart of PostgreSQL, or a moment's overload, must not cost a long upload: 0.2 + 0.4 + … + 6.4 s, about 13 s. */
const TENTATIVAS_MAX = 7
const PRIMEIRA_ESPERA_MS = 200

/**
 * Imports the lines of a file as they arrive, in constant memory: two batches in the air, then the sender waits.
 *
 * Every batch that was stored stays, whatever happens to the rest; sending the file again completes it. Rejects with
 * what the file, the connection or the ledger (`Indisponivel`) said, and only when nothing is in the air any more.
 */
export async function importarArquivo(
  { store, novoId, agora }: ImportarDeps,
  {
    trechos,
    codificacao,
    comercianteId,
  }: { trechos: Trechos; codificacao?: Codificacao | undefined; comercianteId: string },
): Promise<Relatorio> {
  const importacao = createImportacao()
  const texto = createDecodificador(codificacao)
  const csv = createLeitorCsv()

  const gravar = async (linhas: readonly LinhaPronta[]): Promise<void> => {
    const createdAt = agora()
    const itens = linhas.map(({ pedido, chave }) => ({
      lancamento: { ...pedido, id: novoId(), comercianteId, createdAt },
      chave,
    }))
    const registros = await comTentativas(() => store.registrarLote(itens))
    linhas.forEach((linha, i) => {
      const registro = registros[i]
      if (registro) importacao.anotar(linha, registro)
    })
  }

  const envio = createEnvio(gravar)
  try {
    for await (const trecho of trechos)
      await envio.enviar(
        importacao.decidir(
          csv.ler(texto.decodificar(Buffer.from(trecho.buffer, trecho.byteOffset, trecho.byteLength))),
        ),
      )
    await envio.enviar(importacao.decidir(csv.ler(texto.fim(), true)))
  } finally {
    await envio.concluir()
  }
  return importacao.concluir()
}

/** Every line has a key or a `referencia`, so a batch whose fate is unknown can be sent again. */
async function comTentativas<T>(tentar: () => Promise<T>): Promise<T> {
  for (let tentativa = 1; ; tentativa += 1) {
    try {
      return await tentar()
    } catch (erro) {
      if (!(erro instanceof Indisponivel) || tentativa === TENTATIVAS_MAX) throw erro
      await esperar(PRIMEIRA_ESPERA_MS * 2 ** (tentativa - 1))
    }
  }
}

/** Cuts lines into batches and keeps a bounded number of them in the air. The first failure ends it. */
function createEnvio(gravar: (linhas: readonly LinhaPronta[]) => Promise<void>) {
  const emVoo = new Set<Promise<void>>()
  let espera: LinhaPronta[] = []
  let falha: { erro: unknown } | undefined

  const lancar = async (linhas: readonly LinhaPronta[]): Promise<void> => {
    while (emVoo.size >= LOTES_EM_VOO_MAX) await Promise.race(emVoo)
    if (falha) throw falha.erro
    const voo = gravar(linhas)
      .catch((erro: unknown) => {
        falha ??= { erro }
      })
      .finally(() => emVoo.delete(voo))
    emVoo.add(voo)
  }

  return {
    enviar: async (linhas: readonly LinhaPronta[]): Promise<void> => {
      espera = espera.length === 0 ? [...linhas] : espera.concat(linhas)
      let de = 0
      for (; espera.length - de >= LOTE_LINHAS; de += LOTE_LINHAS) await lancar(espera.slice(de, de + LOTE_LINHAS))
      if (de > 0) espera = espera.slice(de)
    },
    /** Stores what is left and waits until nothing is in the air. */
    concluir: async (): Promise<void> => {
      if (espera.length > 0 && !falha) await lancar(espera)
      await Promise.all(emVoo)
      if (falha) throw falha.erro
    },
  }
}
