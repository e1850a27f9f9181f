import { envInteger } from '../process/env.ts'

/** The same as nginx allows one token (docker-compose.yml): far above any merchant's need, and enough to protect the others. */
const POR_SEGUNDO = 2_000
const POR_SEGUNDO_MAX = 1_000_000
/** A pause of this many seconds may be made up for at once. */
const RAJADA_SEGUNDOS = 2
const INSTANCIAS_MAX = 1_000

const porSegundo = (what: string) =>
  envInteger({ max: POR_SEGUNDO_MAX }).default(POR_SEGUNDO).describe(`${what} a second of one merchant; 0 is no limit`)
const rajada = (what: string) =>
  envInteger({ min: 1, max: POR_SEGUNDO_MAX * RAJADA_SEGUNDOS })
    .optional()
    .describe(`${what} of one merchant at once; twice a second's by default`)

/** The settings of the limits, for the schema of a service's environment. */
export const LIMITES_ENV = {
  LIMITE_ESCRITA_POR_SEGUNDO: porSegundo('writes'),
  LIMITE_ESCRITA_RAJADA: rajada('writes'),
  LIMITE_LEITURA_POR_SEGUNDO: porSegundo('reads'),
  LIMITE_LEITURA_RAJADA: rajada('reads'),
  LIMITE_INSTANCIAS: envInteger({ min: 1, max: INSTANCIAS_MAX })
    .default(1)
    .describe('instances of a service that share a limit: where Redis is away, each allows its part'),
}

export type LimitesEnv = {
  LIMITE_ESCRITA_POR_SEGUNDO: number
  LIMITE_ESCRITA_RAJADA?: number | undefined
  LIMITE_LEITURA_POR_SEGUNDO: number
  LIMITE_LEITURA_RAJADA?: number | undefined
  LIMITE_INSTANCIAS: number
}

/** How many requests may come at once: as set, or those of two seconds. */
export const burstOf = (perSecond: number, given: number | undefined): number => given ?? perSecond * RAJADA_SEGUNDOS
