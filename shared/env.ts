import { z } from 'zod'

/**
 * Reads the environment through `schema`, once, at start.
 *
 * Throws one `Error` that names every wrong variable with what is expected of it, and never a value: it may be a secret.
 * An empty variable counts as absent, since compose files pass those. `.describe()` on a field says what it is for.
 *
 * @example
 * const env = parseEnv(z.object({ PORT: envPort().default(3001), REDIS_URL: envUrl('redis', 'rediss') }))
 */
export function parseEnv<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<S> {
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = env[name]
    if (value !== undefined && value.trim() !== '') given[name] = value
  }
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? 'environment')
    const what = schema.shape[name]?.description
    const wrong = given[name] === undefined && issue.code === 'invalid_type' ? 'is missing' : issue.message
    return `  ${name}: ${wrong}${what === undefined ? '' : ` (${what})`}`
  })
  throw new Error(`the environment is not valid:\n${problems.join('\n')}`)
}

const TRUE = new Set(['true', '1', 'yes', 'on', 'sim'])
const FALSE = new Set(['false', '0', 'no', 'off', 'nao', 'não'])

/** `true`, `1`, `yes`, `on`, `sim` or their opposites, in any case. */
export const envBoolean = () =>
  z.string().transform((text, context) => {
    const word = text.trim().toLowerCase()
    if (TRUE.has(word)) return true
    if (FALSE.has(word)) return false
    context.addIssue({ code: 'custom', message: 'expected true or false' })
    return z.NEVER
  })

/** A whole decimal number between `min` and `max`, both included. */
export const envInteger = ({ min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}) =>
  z.string().transform((text, context) => {
    const value = /^-?\d{1,16}$/.test(text.trim()) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    context.addIssue({ code: 'custom', message: `expected a whole number from ${min} to ${max}` })
    return z.NEVER
  })

/** A TCP port; 0 asks the system for a free one. */
export const envPort = () => envInteger({ min: 0, max: 65_535 })

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration as milliseconds: `500`, `500ms`, `2s`, `5m`, `1h`. */
export const envDurationMs = ({ min = 0, max = 24 * 3_600_000 }: { min?: number; max?: number } = {}) =>
  z.string().transform((text, context) => {
    const [, digits, unit = 'ms'] = /^(\d{1,12})(ms|s|m|h)?$/.exec(text.trim()) ?? []
    const value = Number(digits) * (UNIT_MS[unit] ?? 1)
    if (value >= min && value <= max) return value
    context.addIssue({ code: 'custom', message: `expected a duration such as 500ms or 2s, from ${min} to ${max} ms` })
    return z.NEVER
  })

/** Several of what `item` reads, separated by commas; at least one. */
export const envList = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item).min(1))

/** A URL whose scheme is one of `schemes` (without the colon). Its text is kept as it came. */
export const envUrl = (...schemes: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    error: `expected a URL of scheme ${schemes.join(' or ')}`,
  })

/** A secret of at least `bytesMin` UTF-8 bytes. */
export const envSecret = (bytesMin: number) =>
  z.string().refine((text) => Buffer.byteLength(text) >= bytesMin, { error: `expected at least ${bytesMin} bytes` })
