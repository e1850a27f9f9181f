import { setTimeout as esperar } from 'node:timers/promises'
import { type Codificacao, createDecodificador } from '../csv/codificacao.ts'
import type { Destino, Importacao, LinhaPronta } from '../csv/importacao.ts'
import { createLeitorCsv } from '../csv/leitor.ts'
import type { Relatorio } from '../csv/relatorio.ts'
import { Indisponivel } from '../errors.ts'
import type { Trechos } from './upload.ts'

export type Arquivo = { trechos: Trechos; codificacao?: Codificacao | undefined }

type ImportarArquivoOptions<Pedido> = Arquivo & {
  importacao: Importacao<Pedido>
  /** Stores lines durably and says what became of each, in order. May be called again with lines that it has stored. */
  gravar: (linhas: readonly LinhaPronta<Pedido>[]) => Promise<readonly Destino[]>
}

/** Lines of a batch: one statement of the log. Larger ones gained nothing and hold the counter longer. */
const LOTE_LINHAS = 500
/** PostgreSQL works on one batch while the next is read. More would only wait for the partition's counter. */
const LOTES_EM_VOO_MAX = 2
/** A restart of PostgreSQL, or a moment's overload, must not cost a long upload: 0.2 + 0.4 + … + 6.4 s, about 13 s. */
const TENTATIVAS_MAX = 7
const PRIMEIRA_ESPERA_MS = 200

/**
 * Imports the lines of a CSV file as they arrive, in constant memory: two batches in the air, then the sender waits.
 *
 * Every batch that was stored stays, whatever happens to the rest; sending the file again completes it. Rejects with
 * what the file, the connection or the store (`Indisponivel`) said, and only when nothing is in the air any more.
 */
export async function importarArquivo<Pedido>(options: ImportarArquivoOptions<Pedido>): Promise<Relatorio> {
  const { trechos, codificacao, importacao } = options
  const texto = createDecodificador(codificacao)
  const csv = createLeitorCsv()

  const gravar = async (linhas: readonly LinhaPronta<Pedido>[]): Promise<void> => {
    const destinos = await comTentativas(() => options.gravar(linhas))
    linhas.forEach((linha, i) => {
      const destino = destinos[i]
      if (destino !== undefined) importacao.anotar(linha, destino)
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
function createEnvio<Pedido>(gravar: (linhas: readonly LinhaPronta<Pedido>[]) => Promise<void>) {
  const emVoo = new Set<Promise<void>>()
  let espera: LinhaPronta<Pedido>[] = []
  let falha: { erro: unknown } | undefined

  const lancar = async (linhas: readonly LinhaPronta<Pedido>[]): Promise<void> => {
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
    enviar: async (linhas: readonly LinhaPronta<Pedido>[]): Promise<void> => {
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
