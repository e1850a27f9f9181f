/** Where something stands in a log. */
export type LogPosition = { particao: number; posicao: number }

/** Gathers where one request's writes stand, for the `Fluxo-Posicao` of its answer. */
export type Posicoes = {
  note: (place: LogPosition) => void
  /** The last place of each partition, `0:1234, 1:55`; no header where nothing was written. */
  headers: () => Record<string, string>
}

/** `log` stands before each place, `pedidos:0:12`; the ledger's have no name before them. */
export function createPosicoes(log?: string): Posicoes {
  const last = new Map<number, number>()
  const prefix = log === undefined ? '' : `${log}:`
  return {
    note: ({ particao, posicao }) => {
      last.set(particao, Math.max(posicao, last.get(particao) ?? 0))
    },
    headers: () =>
      last.size === 0
        ? {}
        : { 'Fluxo-Posicao': [...last].map(([particao, posicao]) => `${prefix}${particao}:${posicao}`).join(', ') },
  }
}
