import { createHmac, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DATABASES, type Database } from '@fluxo/drizzle/journal'
import { z } from 'zod'

/** 256 bits, as HMAC-SHA-256 wants; base64url, so that it needs no quoting in a URL or in SQL. */
const SECRET_BYTES = 32

/** A data folder that is older than a service has no password for it: it gets one that follows from its secret. */
const passwordOf = (jwtSecret: string, role: string): string =>
  createHmac('sha256', jwtSecret).update(`password of ${role}`).digest('base64url')

const SecretsSchema = z
  .object({ jwtSecret: z.string(), redisPassword: z.string() })
  .catchall(z.string())
  .transform(({ jwtSecret, redisPassword, ...others }) => ({
    jwtSecret,
    redisPassword,
    /** Of each database's own login. */
    passwords: Object.fromEntries(
      DATABASES.map((database) => [database, others[`${database}Password`] ?? passwordOf(jwtSecret, database)]),
    ) as Record<Database, string>,
  }))

/** What `npm start` made up once for this data folder. */
export type Secrets = z.infer<typeof SecretsSchema>

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where `npm start` keeps its data: `FLUXO_DATA`, relative to where the user stands, or `.fluxo` in the repository. */
export const dataFolder = (env: NodeJS.ProcessEnv = process.env): string => {
  const asked = env['FLUXO_DATA']
  return asked ? resolve(env['INIT_CWD'] ?? process.cwd(), asked) : join(root, '.fluxo')
}

const secretsFile = (folder: string): string => join(folder, 'secrets.json')

/** The secrets of a data folder that was started before; `undefined` where there are none. */
export const readSecrets = async (folder: string): Promise<Secrets | undefined> => {
  const text = await readFile(secretsFile(folder), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : SecretsSchema.parse(JSON.parse(text))
}

/** The folder's secrets, made at the first call (readable by their owner only). */
export const ensureSecrets = async (folder: string): Promise<Secrets> => {
  const kept = await readSecrets(folder)
  if (kept) return kept
  const secret = () => randomBytes(SECRET_BYTES).toString('base64url')
  const passwords = DATABASES.map((database) => [`${database}Password`, secret()])
  const made = { jwtSecret: secret(), redisPassword: secret(), ...Object.fromEntries(passwords) }
  await mkdir(folder, { recursive: true })
  const fresh = `${secretsFile(folder)}.${process.pid}`
  await writeFile(fresh, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
  // A link never replaces a file, and it appears whole: whoever was first is right.
  await link(fresh, secretsFile(folder)).catch(() => {})
  await rm(fresh)
  return (await readSecrets(folder)) ?? SecretsSchema.parse(made)
}
