import type { Database } from '@fluxo/drizzle/migrate'
import { dataFolder } from './data-folder.ts'
import { readRunning } from './running.ts'

export type { Database } from '@fluxo/drizzle/migrate'

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

/** Names of a database in the environment and in the file of what runs. */
const NAMES = {
  lancamentos: ['LANCAMENTOS', 'Lancamentos'],
  consolidado: ['CONSOLIDADO', 'Consolidado'],
  entregas: ['ENTREGAS', 'Entregas'],
} as const

/** The URL of the role that may change the schema. */
export const ownerUrl = (database: Database): Promise<string> => {
  const [upper, name] = NAMES[database]
  return urlOf([`DATABASE_URL_${upper}_OWNER`, `DATABASE_URL_${upper}`], `ownerUrl${name}`)
}

/** The URL of the service's own least-privilege role. */
export const serviceUrl = (database: Database): Promise<string> => {
  const [upper, name] = NAMES[database]
  return urlOf([`DATABASE_URL_${upper}`], `databaseUrl${name}`)
}

/** The URL of Redis. */
export const redisUrlInUse = (): Promise<string> => urlOf(['REDIS_URL'], 'redisUrl')
