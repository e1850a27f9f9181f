/** Whether the truth behind a cache is within reach, known without asking it for every answer. */
type Disponibilidade = {
  /** True or false at once where that is fresh enough, else once a probe has come back. Never rejects. */
  agora(): boolean | Promise<boolean>
  /** What a real request has just found out. */
  informar(disponivel: boolean): void
}

/** Knowledge older than this is renewed in the background: two probes a second at most, whatever the traffic. */
const RENOVAR_MS = 500
/** Older than this it is worth waiting for: after a pause of the traffic, the first answer must not be marked by guess. */
const CONFIAR_MS = 2_000

/**
 * Remembers what the last probe or request found.
 *
 * It lives on traffic, without a timer: nobody asks, nobody probes. `sondar` resolves or rejects in bounded time; `relogio` is in ms.
 */
export const createDisponibilidade = ({ sondar, relogio }: DisponibilidadeDeps): Disponibilidade => {
  let disponivel = true
  let sabidoEm = Number.NEGATIVE_INFINITY
  let sonda: Promise<boolean> | undefined

  const informar = (valor: boolean): void => {
    disponivel = valor
    sabidoEm = relogio()
  }
  const perguntar = async (): Promise<boolean> => {
    const respondeu = await sondar().then(
      () => true,
      () => false,
    )
    sonda = undefined
    informar(respondeu)
    return respondeu
  }
  return {
    informar,
    agora: () => {
      const idade = relogio() - sabidoEm
      if (idade < RENOVAR_MS) return disponivel
      sonda ??= perguntar()
      return idade < CONFIAR_MS ? disponivel : sonda
    },
  }
}

type DisponibilidadeDeps = { sondar: () => Promise<unknown>; relogio: () => number }
