/** Where something stands in a log. */
export type Lugar = { particao: number; posicao: number }

/** Gathers where one request's writes stand, for the `Fluxo-Posicao` of its answer. */
export type Posicoes = {
  anotar: (lugar: Lugar) => void
  /** The last place of each partition, `0:1234, 1:55`; no header where nothing was written. */
  cabecalho: () => Record<string, string>
}

/** `log` stands before each place, `pedidos:0:12`; the ledger's have no name before them. */
export function createPosicoes(log?: string): Posicoes {
  const ultimas = new Map<number, number>()
  const prefixo = log === undefined ? '' : `${log}:`
  return {
    anotar: ({ particao, posicao }) => {
      ultimas.set(particao, Math.max(posicao, ultimas.get(particao) ?? 0))
    },
    cabecalho: () =>
      ultimas.size === 0
        ? {}
        : { 'Fluxo-Posicao': [...ultimas].map(([particao, posicao]) => `${prefixo}${particao}:${posicao}`).join(', ') },
  }
}
