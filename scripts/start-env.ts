import type { Database } from '@fluxo/drizzle/journal'
import { envBoolean, envInteger, envPort, envUrl } from '@fluxo/shared/env'
import { LIMITS_ENV } from '@fluxo/shared/ratelimit/settings'
import { z } from 'zod'
import { FLUXO_ENV } from '../apps/entregas/src/fluir/settings.ts'
import { VARIABLES } from './databases.ts'

const databaseUrlOf = (what: string) => envUrl('postgres', 'postgresql').optional().describe(what)

type Name = (typeof VARIABLES)[Database]['app' | 'owner']
const DATABASE_URLS = Object.fromEntries(
  Object.values(VARIABLES).flatMap(({ app, owner, holds }) => [
    [app, databaseUrlOf(`another PostgreSQL for ${holds}`)],
    [owner, databaseUrlOf('who may migrate it')],
  ]),
) as Record<Name, ReturnType<typeof databaseUrlOf>>

/** What `npm start` reads of the environment, besides `FLUXO_DATA`. */
export const StartEnvSchema = z.object({
  PORT: envPort().default(8080).describe('where to listen'),
  HOST: z.string().default('127.0.0.1').describe('the address to listen on'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional().describe('partitions of a new log'),
  ...DATABASE_URLS,
  ...FLUXO_ENV,
  AVISOS_LOOPBACK: envBoolean().default(false).describe('whether webhooks may go to this machine'),
  REDIS_URL: envUrl('redis', 'rediss').optional().describe('another Redis'),
  JWT_SECRET: z.string().optional().describe('the secret of the tokens, made once by default'),
  ...LIMITS_ENV,
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .optional()
    .describe('every line of this level as JSON, in place of plain warnings'),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http', 'https').optional().describe('base URL of an OTLP collector for traces'),
})

export type StartEnv = z.infer<typeof StartEnvSchema>
