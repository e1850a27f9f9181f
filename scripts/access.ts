import { dataFolder } from './data-folder.ts'
import { readRunning } from './running.ts'

export type Database = 'lancamentos' | 'consolidado'

/** A URL from the environment first, then from the `npm start` that runs on the data folder; throws what to do where neither is there. */
const urlOf = async (
  names: readonly string[],
  running:
    | 'ownerUrlLancamentos'
    | 'ownerUrlConsolidado'
    | 'databaseUrlConsolidado'
    | 'databaseUrlLancamentos'
    | 'redisUrl',
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

/** The URL of the role that may change the schema. */
export const ownerUrl = (database: Database): Promise<string> =>
  database === 'lancamentos'
    ? urlOf(['DATABASE_URL_LANCAMENTOS_OWNER', 'DATABASE_URL_LANCAMENTOS'], 'ownerUrlLancamentos')
    : urlOf(['DATABASE_URL_CONSOLIDADO_OWNER', 'DATABASE_URL_CONSOLIDADO'], 'ownerUrlConsolidado')

/** The URL of the service's own least-privilege role. */
export const serviceUrl = (database: Database): Promise<string> =>
  database === 'lancamentos'
    ? urlOf(['DATABASE_URL_LANCAMENTOS'], 'databaseUrlLancamentos')
    : urlOf(['DATABASE_URL_CONSOLIDADO'], 'databaseUrlConsolidado')

/** The URL of Redis. */
export const redisUrlInUse = (): Promise<string> => urlOf(['REDIS_URL'], 'redisUrl')
