import type { FeedClient } from '@fluxo/shared/repair/feed-client'
import { chaveDoSaldo } from '../domain/saldo.ts'
import type { Lancado } from '../projetar/efeito.ts'
import type { Dia } from '../projetar/saldo-store.ts'
import type { Instante } from './conferencia-store.ts'
import { lerRazao, PAGE_ROWS_DE_FUNDO } from './ler-razao.ts'
import { estaAplicada, maisAlta, type Soma } from './verificar.ts'

/** Events after what was added up that a comparison may need; more have come only where a round took very long. */
const CAUDA_MAX = 50_000

/** What the inbox of a snapshot holds beyond what was added up: read once, kept for the round. */
export function createCauda(feed: FeedClient) {
  const lidas = new Map<number, { ate: number; lancados: Lancado[] }>()
  return {
    /** Brings the tail up to the snapshot, and gives what it adds to a day of that snapshot. */
    ate: async ({ foto, conferidas }: Instante) => {
      const extras = new Map<string, Soma>()
      for (const marca of foto.marcas) {
        const { particao } = marca
        if (marca.epoca === null) continue
        // None before its first event, which may have been applied since the round began.
        const conferida = conferidas.find((uma) => uma.particao === particao)
        if (conferida !== undefined && conferida.geracao !== foto.geracao) {
          throw new Error('the balances were exchanged during the round')
        }
        const posicao = conferida?.posicao ?? 0
        const cauda = lidas.get(particao) ?? { ate: posicao, lancados: [] }
        lidas.set(particao, cauda)
        const fim = maisAlta(marca)
        if (fim - posicao > CAUDA_MAX) throw new Error('more entries came during the round than it can hold')
        if (fim > cauda.ate) {
          const leitura = await lerRazao(
            feed,
            { particao, depoisDe: cauda.ate, ate: fim, linhas: PAGE_ROWS_DE_FUNDO },
            (evento) => {
              if (evento.lancado !== undefined) cauda.lancados.push(evento.lancado)
            },
          )
          cauda.ate = leitura.ate
        }
        const semEfeito = foto.puladas.get(particao)
        for (const lancado of cauda.lancados) {
          if (estaAplicada(marca, lancado.posicao) && !semEfeito?.has(lancado.posicao)) somar(extras, lancado)
        }
      }
      return ({ comercianteId, data }: Dia) => extras.get(chaveDoSaldo(comercianteId, data))
    },
  }
}

function somar(dias: Map<string, Soma>, { comercianteId, data, valor }: Lancado): void {
  const chave = chaveDoSaldo(comercianteId, data)
  const soma = dias.get(chave) ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
  if (valor > 0n) soma.creditos += valor
  else soma.debitos -= valor
  soma.quantidade += 1
  dias.set(chave, soma)
}
