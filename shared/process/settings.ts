import { hostname } from 'node:os'
import { z } from 'zod'
import { envDurationMs, envInteger, envSecret, envUrl } from '../env.ts'
import { serviceTokenOf } from '../feed/service-token.ts'
import { LIMITS_ENV } from '../ratelimit/settings.ts'

/** Settings of the tokens that are signed here, for services and commands. */
export const SIGNING_ENV = {
  JWT_SECRET: envSecret(32).optional(),
  JWT_ISSUER: z.string().optional().describe('what `iss` of every token must be; needed with JWT_JWKS_URL'),
  JWT_AUDIENCE: z.string().optional().describe('what `aud` of every token must name; needed with JWT_JWKS_URL'),
}
type SigningEnv = z.infer<z.ZodObject<typeof SIGNING_ENV>>

export const signingOf = (env: SigningEnv) => ({
  secret: env.JWT_SECRET,
  issuer: env.JWT_ISSUER,
  audience: env.JWT_AUDIENCE,
})

/** The settings that every service has, for the schema of its environment. */
export const SERVICE_ENV = {
  ...SIGNING_ENV,
  ...LIMITS_ENV,
  HOST: z.string().default('127.0.0.1'),
  REDIS_URL: envUrl('redis', 'rediss'),
  JWT_JWKS_URL: envUrl('https', 'http').optional(),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional(),
  INSTANCIA: z
    .string()
    .default(`${hostname()}-${process.pid}`)
    .describe('unique name in the consumer group; stable in a container'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  DRENAGEM_AVISO_MS: envDurationMs().default(0).describe('how long a load balancer needs to see that we leave'),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http', 'https')
    .optional()
    .describe('base URL of an OTLP collector; no traces without'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('share of the traces to keep'),
}
export type ServiceEnv = z.infer<z.ZodObject<typeof SERVICE_ENV>>

/** The setting of a service that reads the log of another one. */
export const FOLLOW_ENV = {
  EVENTOS_TOKEN: z.string().optional().describe('a token with scope eventos:ler, where there is no JWT_SECRET'),
}

/** Where the log of another service is read; `fetch` asks it in memory where both are one process. */
export type LogAddress = {
  baseUrl: string
  token: () => string | Promise<string>
  fetch?: ((url: string, init: RequestInit) => Promise<Response> | Response) | undefined
  /** As the log was made with. */
  particoes: number
  /** For tests: another name in Redis. */
  streamPrefix?: string | undefined
}

/** Where a log is read, with the token that the environment gives or can make. */
export const logAddress = (
  env: SigningEnv & { EVENTOS_TOKEN?: string | undefined },
  baseUrl: string,
  particoes: number,
): LogAddress => ({ baseUrl, particoes, token: serviceTokenOf({ ...signingOf(env), token: env.EVENTOS_TOKEN }) })
