import type { Database } from '@fluxo/drizzle/journal'
import { dataFolder } from './data-folder.ts'
import { type Running, readRunning } from './running.ts'

export type { Database } from '@fluxo/drizzle/journal'

/** A setting of the environment that names another server than the `npm start` that runs. */
const otherThan = (running: Running): string | undefined => {
  const known: Readonly<Record<string, string | undefined>> = {
    DATABASE_URL_LANCAMENTOS: running.databaseUrlLancamentos,
    DATABASE_URL_LANCAMENTOS_OWNER: running.ownerUrlLancamentos,
    DATABASE_URL_CONSOLIDADO: running.databaseUrlConsolidado,
    DATABASE_URL_CONSOLIDADO_OWNER: running.ownerUrlConsolidado,
    DATABASE_URL_ENTREGAS: running.databaseUrlEntregas,
    DATABASE_URL_ENTREGAS_OWNER: running.ownerUrlEntregas,
    DATABASE_URL_AVISOS: running.databaseUrlAvisos,
    DATABASE_URL_AVISOS_OWNER: running.ownerUrlAvisos,
    REDIS_URL: running.redisUrl,
  }
  return Object.keys(known).find((name) => process.env[name] && process.env[name] !== known[name])
}

/**
 * A URL from the environment first, then from the `npm start` that runs on the data folder; throws what to do where neither is there.
 * The two are never mixed: a dead letter of one system must not be applied with the cache of another.
 */
const urlOf = async (
  names: readonly string[],
  running: `${'owner' | 'database'}Url${'Lancamentos' | 'Consolidado' | 'Entregas' | 'Avisos'}` | 'redisUrl',
): Promise<string> => {
  for (const name of names) {
    const given = process.env[name]
    if (given) return given
  }
  const started = await readRunning(dataFolder())
  const other = started && otherThan(started)
  if (other !== undefined) {
    throw new Error(
      `${other} names another server than the running \`npm start\` has: set ${names[0]} too, or unset it.`,
    )
  }
  const url = started?.[running]
  if (url !== undefined) return url
  throw new Error(
    `no server to talk to: set ${names[0]}, or keep \`npm start\` running on the same data folder (FLUXO_DATA).`,
  )
}

/** Names of a database in the environment (its owner's, its service's) and in the file of what runs. */
const NAMES = {
  lancamentos: ['DATABASE_URL_LANCAMENTOS_OWNER', 'DATABASE_URL_LANCAMENTOS', 'Lancamentos'],
  consolidado: ['DATABASE_URL_CONSOLIDADO_OWNER', 'DATABASE_URL_CONSOLIDADO', 'Consolidado'],
  entregas: ['DATABASE_URL_ENTREGAS_OWNER', 'DATABASE_URL_ENTREGAS', 'Entregas'],
  avisos: ['DATABASE_URL_AVISOS_OWNER', 'DATABASE_URL_AVISOS', 'Avisos'],
} as const

/** The URL of the role that may change the schema. */
export const ownerUrl = (database: Database): Promise<string> => {
  const [owner, service, name] = NAMES[database]
  return urlOf([owner, service], `ownerUrl${name}`)
}

/** The URL of the service's own least-privilege role. */
export const serviceUrl = (database: Database): Promise<string> => {
  const [, service, name] = NAMES[database]
  return urlOf([service], `databaseUrl${name}`)
}

/** The `npm start` that runs on the data folder, unless the environment names other servers than it has. */
export const runningInUse = async (): Promise<Running | undefined> => {
  const started = await readRunning(dataFolder())
  return started && otherThan(started) === undefined ? started : undefined
}

/** Whether that URL is known here. */
export const hasServiceUrl = async (database: Database): Promise<boolean> => {
  const [, service, name] = NAMES[database]
  return Boolean(process.env[service] || (await runningInUse())?.[`databaseUrl${name}`])
}

/** The URL of Redis. */
export const redisUrlInUse = (): Promise<string> => urlOf(['REDIS_URL'], 'redisUrl')
