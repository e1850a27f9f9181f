import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import { dataFolder } from './data-folder.ts'
import { VARIABLES } from './databases.ts'
import { type Running, readRunning } from './running.ts'

export type { Database } from '@fluxo/drizzle/journal'

/** A setting of the environment that names another server than the `npm start` that runs. */
const otherThan = (running: Running): string | undefined => {
  const known: Record<string, string | undefined> = { REDIS_URL: running.redisUrl }
  for (const database of DATABASES) {
    const { app, owner } = VARIABLES[database]
    known[app] = running.databases?.[database]?.app
    known[owner] = running.databases?.[database]?.owner
  }
  return Object.keys(known).find((name) => process.env[name] && process.env[name] !== known[name])
}

/**
 * A URL from the environment first, then from the `npm start` that runs on the data folder; throws what to do where neither is there.
 * The two are never mixed: a dead letter of one system must not be applied with the cache of another.
 */
const urlOf = async (names: readonly string[], inUse: (running: Running) => string | undefined): Promise<string> => {
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
  const url = started && inUse(started)
  if (url !== undefined) return url
  throw new Error(
    `no server to talk to: set ${names[0]}, or keep \`npm start\` running on the same data folder (FLUXO_DATA).`,
  )
}

/** The URL of the role that may change the schema. */
export const ownerUrl = (database: Database): Promise<string> => {
  const { app, owner } = VARIABLES[database]
  return urlOf([owner, app], ({ databases }) => databases?.[database]?.owner)
}

/** The URL of the service's own least-privilege role. */
export const serviceUrl = (database: Database): Promise<string> =>
  urlOf([VARIABLES[database].app], ({ databases }) => databases?.[database]?.app)

/** The `npm start` that runs on the data folder, unless the environment names other servers than it has. */
export const runningInUse = async (): Promise<Running | undefined> => {
  const started = await readRunning(dataFolder())
  return started && otherThan(started) === undefined ? started : undefined
}

/** Whether that URL is known here. */
export const hasServiceUrl = async (database: Database): Promise<boolean> => {
  const given = process.env[VARIABLES[database].app]
  return Boolean(given || (await runningInUse())?.databases?.[database])
}

/** The URL of Redis. */
export const redisUrlInUse = (): Promise<string> => urlOf(['REDIS_URL'], ({ redisUrl }) => redisUrl)
