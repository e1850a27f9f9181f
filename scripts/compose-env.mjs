// `npm run compose:env`: the secrets of docker compose, made once. Plain JavaScript without dependencies, so that a machine with
// Docker and Node needs nothing installed for it.
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const file = process.env.FLUXO_ENV_FILE ?? join(root, '.env')

/** 256 bits; base64url needs no quoting in a URL, in SQL or in a compose file. */
const SECRET_BYTES = 32
/** HMAC-SHA-256 wants a key as long as its hash (RFC 7518); the others are held to the same. */
const CHARS_MIN = 32
/** Fewer different characters than this is a pattern, not a secret: 32 random hexadecimal digits have some 14. */
const DIFFERENT_CHARS_MIN = 8
const OBVIOUS =
  /^(.{1,8})\1+$|password|passwort|senha|secret|segredo|changeme|change-me|qwerty|12345678|abcdefgh|example|exemplo/i
/** What can stand in `postgres://user:…@host` and in redis.conf as it is. */
const PLAIN = /^[A-Za-z0-9._~-]+$/

const SECRETS = {
  JWT_SECRET: 'signs the tokens',
  POSTGRES_PASSWORD: 'the superuser of PostgreSQL',
  OWNER_PASSWORD: 'the role fluxo_dono, which owns all databases and migrates them',
  LANCAMENTOS_PASSWORD: 'the role lancamentos',
  CONSOLIDADO_PASSWORD: 'the role consolidado',
  ENTREGAS_PASSWORD: 'the role entregas',
  AVISOS_PASSWORD: 'the role avisos',
  REDIS_PASSWORD: 'Redis',
}

const HELP = `npm run compose:env

Writes the secrets that docker compose reads into .env (readable by you only), random ones, and prints none of them.
What is there already is kept; a value that is too short or easy to guess is refused. Run it as often as you like.

${Object.entries(SECRETS)
  .map(([name, what]) => `  ${name.padEnd(22)}${what}`)
  .join('\n')}

The databases keep the passwords that they were made with: keep .env as long as the volumes.
FLUXO_ENV_FILE names another file.
`

const fail = (message) => {
  console.error(`fluxo: ${message}`)
  process.exit(1)
}

const readText = () => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    return fail(`${file}: ${error.message}`)
  }
}

/** The value of a `NAME=value` line, without the quotes that compose takes off too; `undefined` where there is none. */
const settingOf = (text, name) => {
  const line = text.match(new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=[ \\t]*(.*?)[ \\t]*$`, 'm'))?.[1]
  return line?.replace(/^(["'])(.*)\1$/, '$2')
}

/** What is wrong with a secret; `undefined` where nothing is. */
const weaknessOf = (secret) => {
  if (secret.length < CHARS_MIN) return `has ${secret.length} characters, at least ${CHARS_MIN} are needed`
  if (!PLAIN.test(secret)) return 'may only have A-Z a-z 0-9 . _ ~ -'
  if (OBVIOUS.test(secret) || new Set(secret).size < DIFFERENT_CHARS_MIN) return 'is easy to guess'
  return undefined
}

const randomSecret = () => {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  // About one in a million happens to spell one of the words above.
  return weaknessOf(secret) === undefined ? secret : randomSecret()
}

/** Writes the whole file beside its place first: another run never reads half of it, and a new file never replaces one. */
const write = (text, isNew) => {
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
  try {
    if (!isNew) return renameSync(fresh, file)
    linkSync(fresh, file)
  } catch (error) {
    fail(error.code === 'EEXIST' ? `${file} was made meanwhile: run this again.` : error.message)
  } finally {
    rmSync(fresh, { force: true })
  }
}

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(HELP)
  process.exit(0)
}
if (args.length > 0) fail(`unknown argument ${args[0]}. See: npm run compose:env -- --help`)

const before = readText()
const weak = []
const missing = []
for (const name of Object.keys(SECRETS)) {
  const value = settingOf(before ?? '', name)
  if (value === undefined || value === '') missing.push(name)
  else if (weaknessOf(value) !== undefined) weak.push(`${name} ${weaknessOf(value)}`)
}
if (weak.length > 0) {
  fail(
    `${file} is refused:\n${weak.map((line) => `  ${line}`).join('\n')}\nRemove a line to have a random value made for it.`,
  )
}
if (missing.length === 0) {
  chmodSync(file, 0o600)
  console.log(`${file} is complete: nothing was changed.`)
} else {
  // An empty `NAME=` line goes: the value that follows would be a second one.
  const kept = (before ?? '')
    .split('\n')
    .filter((line) => !missing.some((name) => settingOf(line, name) === ''))
    .join('\n')
  const made = missing.map((name) => `${name}=${randomSecret()}\n`).join('')
  write(`${kept}${kept === '' || kept.endsWith('\n') ? '' : '\n'}${made}`, before === undefined)
  console.log(`${file}: made ${missing.join(', ')}.\nNow: docker compose up --build`)
}
