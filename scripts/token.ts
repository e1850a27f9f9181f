import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { signToken, type TokenRequest } from '@fluxo/shared/http/tokens'
import { COMERCIANTE_ID } from '@fluxo/shared/id'
import { argumentsOf, runCommand, UsageError } from './cli.ts'
import { dataFolder, readSecrets, root } from './data-folder.ts'
import { secondsOf } from './duration.ts'
import { readRunning } from './running.ts'

const SCOPES_DEFAULT =
  'lancamentos:escrever lancamentos:ler consolidado:ler entregas:escrever entregas:ler avisos:escrever avisos:ler'
const SCOPES = new Set([...SCOPES_DEFAULT.split(' '), 'eventos:ler', 'admin'])

type Signing = Pick<TokenRequest, 'secret' | 'issuer' | 'audience'>

const signingFrom = (env: Readonly<Record<string, string | undefined>>): Signing | undefined => {
  const { JWT_SECRET: secret, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = env
  return secret ? { secret, issuer: issuer || undefined, audience: audience || undefined } : undefined
}

/** That of docker compose, where `npm run compose:env` has made a secret. A data folder that is named outright goes before it. */
const composeSigning = async (): Promise<Signing | undefined> => {
  if (process.env['FLUXO_DATA']) return undefined
  const text = await readFile(join(root, '.env'), 'utf8').catch(() => '')
  return signingFrom(parseEnv(text))
}

/** All of one system, never a mixture of two: `npm start` asks for no issuer and no audience. */
const signingInUse = async (): Promise<Signing> => {
  const folder = dataFolder()
  const signing =
    signingFrom(process.env) ??
    signingFrom({ JWT_SECRET: (await readRunning(folder))?.jwtSecret }) ??
    (await composeSigning()) ??
    signingFrom({ JWT_SECRET: (await readSecrets(folder))?.jwtSecret })
  if (signing !== undefined) return signing
  throw new Error(
    'there is no secret yet: set JWT_SECRET, run `npm start` once, which makes one in its data folder, or `npm run compose:env`.',
  )
}

await runCommand('token', async () => {
  const { values } = argumentsOf('token', {
    comerciante: { type: 'string' },
    escopos: { type: 'string', default: SCOPES_DEFAULT },
    validade: { type: 'string', default: '30d' },
  })
  const { comerciante } = values
  if (comerciante !== undefined && !COMERCIANTE_ID.test(comerciante)) {
    throw new UsageError('--comerciante takes 1 to 64 of A-Z a-z 0-9 . _ -')
  }
  const scopes = values.escopos.split(/[\s,]+/).filter((scope) => scope !== '')
  const unknown = scopes.filter((scope) => !SCOPES.has(scope))
  if (unknown.length > 0) throw new UsageError(`unknown scope ${unknown.join(', ')}; known: ${[...SCOPES].join(', ')}`)
  // Only the log's readers are services; every other call is made for a merchant.
  if (comerciante === undefined && scopes.some((scope) => scope !== 'eventos:ler')) {
    throw new UsageError('--comerciante is needed (only a token with nothing but eventos:ler does without)')
  }
  const token = await signToken({
    ...(await signingInUse()),
    scopes,
    expiresInSeconds: secondsOf(values.validade),
    ...(comerciante === undefined ? {} : { comercianteId: comerciante }),
  })
  console.log(token)
})
