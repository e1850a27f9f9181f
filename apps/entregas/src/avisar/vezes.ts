type VezesOptions = { totalMax: number; porComercianteMax: number }

/** Turns at something of which only so much may go on at once. */
type Vezes = {
  /** Waits for a turn; gives how to end it. Rejects where `signal` is aborted first. */
  entrar: (comercianteId: string, signal: AbortSignal) => Promise<() => void>
}

type Quem = { comercianteId: string; chamar: () => void }

/** At most `totalMax` at once, and of one merchant `porComercianteMax`. The next turn is the merchant's who has the fewest. */
export function createVezes({ totalMax, porComercianteMax }: VezesOptions): Vezes {
  const emUso = new Map<string, number>()
  const fila = new Set<Quem>()
  let total = 0
  const usoDe = ({ comercianteId }: Quem): number => emUso.get(comercianteId) ?? 0
  const chamar = (): void => {
    while (total < totalMax) {
      const [proximo] = [...fila]
        .filter((quem) => usoDe(quem) < porComercianteMax)
        .toSorted((a, b) => usoDe(a) - usoDe(b))
      if (proximo === undefined) return
      fila.delete(proximo)
      total += 1
      emUso.set(proximo.comercianteId, usoDe(proximo) + 1)
      proximo.chamar()
    }
  }
  const sair = (quem: Quem): void => {
    total -= 1
    const restam = usoDe(quem) - 1
    if (restam === 0) emUso.delete(quem.comercianteId)
    else emUso.set(quem.comercianteId, restam)
    chamar()
  }
  return {
    entrar: async (comercianteId, signal) => {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const quem = { comercianteId, chamar: resolve }
      const desistir = (): void => {
        fila.delete(quem)
        reject(signal.reason)
      }
      signal.addEventListener('abort', desistir, { once: true })
      fila.add(quem)
      chamar()
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', desistir)
      }
      return () => sair(quem)
    },
  }
}
