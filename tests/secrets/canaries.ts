import { randomBytes } from 'node:crypto'

/** A text that nothing else in the world contains; plain enough for a URL, SQL and a header. */
const canary = (what: string): string => `CANARIO-${what}-${randomBytes(12).toString('hex')}`

/** One value for each thing that must not be told: what runs the system, and what a merchant said of its business. */
export const plantCanaries = () => ({
  jwtSecret: canary('jwt'),
  ledgerPassword: canary('senha-lancamentos'),
  balancesPassword: canary('senha-consolidado'),
  redisPassword: canary('senha-redis'),
  wrongPassword: canary('senha-errada'),
  descricao: canary('descricao'),
  referencia: canary('referencia'),
  chave: canary('chave'),
  query: canary('query'),
  body: canary('corpo'),
  header: canary('cabecalho'),
  cookie: canary('cookie'),
  event: canary('evento'),
})

/** Another spelling of the same text betrays it as well. */
const spellings = (text: string): string[] => [
  text,
  encodeURIComponent(text),
  // From any of the three places that a byte may have in base64; the ends depend on what stands beside it.
  ...[0, 1, 2].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString('base64')
    return shifted.slice(4, -4)
  }),
  Buffer.from(text).toString('hex'),
]

/** A piece of a secret this long is worth as much as the whole: error messages like to quote the beginning of a text. */
const PIECE_CHARS = 18

/** Which of `secrets` stand in `text`, by name, in whole or with their random part. */
export const found = (text: string, secrets: Readonly<Record<string, string>>): string[] =>
  Object.entries(secrets)
    .filter(([, secret]) => [...spellings(secret), secret.slice(-PIECE_CHARS)].some((one) => text.includes(one)))
    .map(([name]) => name)
