import type { Database } from '@fluxo/drizzle/journal'
import { dataFolder } from './data-folder.ts'
import { readRunning } from './running.ts'

export type { Database } from '@fluxo/drizzle/journal'

/** A URL from the environment first, then from the `npm start` that runs on the data folder; throws what to do where neither is there. */
const urlOf = async (
  names: readonly string[],
  running: `${'owner' | 'database'}Url${'Lancamentos' | 'Consolidado' | 'Entregas'}` | 'redisUrl',
): Promise<string> => {
  for (const name of names) {
    const given = process.env[name]
    if (given) return given
  }
  const url = (await readRunning(dataFolder()))?.[running]
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

/** The URL of Redis. */
export const redisUrlInUse = (): Promise<string> => urlOf(['REDIS_URL'], 'redisUrl')
