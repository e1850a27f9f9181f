import { envInteger } from '../env.ts'

/** The same as nginx allows one token (docker-compose.yml): far above any merchant's need, and enough to protect the others. */
const PER_SECOND = 2_000
const PER_SECOND_MAX = 1_000_000
/** A pause of this many seconds may be made up for at once. */
const BURST_SECONDS = 2
const INSTANCES_MAX = 1_000

const ratePerSecond = (what: string) =>
  envInteger({ max: PER_SECOND_MAX }).default(PER_SECOND).describe(`${what} a second of one merchant; 0 is no limit`)
const burst = (what: string) =>
  envInteger({ min: 1, max: PER_SECOND_MAX * BURST_SECONDS })
    .optional()
    .describe(`${what} of one merchant at once; twice a second's by default`)

/** The settings of the limits, for the schema of a service's environment. */
export const LIMITS_ENV = {
  LIMITE_ESCRITA_POR_SEGUNDO: ratePerSecond('writes'),
  LIMITE_ESCRITA_RAJADA: burst('writes'),
  LIMITE_LEITURA_POR_SEGUNDO: ratePerSecond('reads'),
  LIMITE_LEITURA_RAJADA: burst('reads'),
  LIMITE_INSTANCIAS: envInteger({ min: 1, max: INSTANCES_MAX })
    .default(1)
    .describe('instances of a service that share a limit: where Redis is away, each allows its part'),
}

export type LimitsEnv = {
  LIMITE_ESCRITA_POR_SEGUNDO: number
  LIMITE_ESCRITA_RAJADA?: number | undefined
  LIMITE_LEITURA_POR_SEGUNDO: number
  LIMITE_LEITURA_RAJADA?: number | undefined
  LIMITE_INSTANCIAS: number
}

/** How many requests may come at once: as set, or those of two seconds. */
export const burstOf = (perSecond: number, given: number | undefined): number => given ?? perSecond * BURST_SECONDS
