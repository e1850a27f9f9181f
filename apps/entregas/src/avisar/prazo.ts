const SEGUNDO = 1_000
const MINUTO = 60 * SEGUNDO
const HORA = 60 * MINUTO

/** How long each attempt waits after the one before: 35 hours altogether, so that a receiver may be broken for a night and a day. */
export const ESPERAS_MS: readonly number[] = [0, 30 * SEGUNDO, 5 * MINUTO, 30 * MINUTO, 2 * HORA, 8 * HORA, 24 * HORA]
/** Up to this share longer: deliveries that failed together do not come back together. */
const JITTER = 0.2

/** As long as all of them together a delivery may be given back untried; then it is given up, too. */
export const PRAZO_MS = ESPERAS_MS.reduce((soma, espera) => soma + espera, 0)

/** Attempts of one delivery before it is given up. */
export const TENTATIVAS_MAX = ESPERAS_MS.length

/**
 * When the next attempt is due, in ms after the one that failed; `undefined` where it was the last.
 *
 * `feitas` counts the attempts so far, `aleatorio` is in [0, 1); `esperas` has the wait before each attempt.
 */
export function esperaMs(feitas: number, aleatorio: number, esperas = ESPERAS_MS): number | undefined {
  const espera = esperas[feitas]
  return espera === undefined ? undefined : Math.round(espera * (1 + JITTER * aleatorio))
}
