import { signToken } from '@fluxo/shared/http/tokens'
import { portIsFree } from '@fluxo/shared/local/free-port'
import { envBoolean, envDurationMs, envInteger, envPort, envUrl, parseEnv } from '@fluxo/shared/process/env'
import { LIMITES_ENV } from '@fluxo/shared/ratelimit/settings'
import { z } from 'zod'
import { dataFolder, ensureSecrets } from './data-folder.ts'
import { createLeaving, type Leaving } from './leaving.ts'
import { claim, type RunningFile } from './running.ts'
import { startServers } from './start-servers.ts'

const PORT_DEFAULT = 8080
const TOKEN_SECONDS = 30 * 86_400
const TOKEN_MERCHANT = 'loja-1'
const TOKEN_SCOPES = ['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler', 'entregas:escrever', 'entregas:ler']

const databaseUrlOf = (what: string) => envUrl('postgres', 'postgresql').optional().describe(what)

const EnvSchema = z.object({
  PORT: envPort().optional().describe(`where to listen, ${PORT_DEFAULT} by default`),
  HOST: z.string().optional().describe('the address to listen on, 127.0.0.1 by default'),
  PARTICOES: envInteger({ min: 1, max: 1024 }).optional().describe('partitions of a new log'),
  DATABASE_URL_LANCAMENTOS: databaseUrlOf('another PostgreSQL for the ledger'),
  DATABASE_URL_LANCAMENTOS_OWNER: databaseUrlOf('who may migrate it'),
  DATABASE_URL_CONSOLIDADO: databaseUrlOf('another PostgreSQL for the balances'),
  DATABASE_URL_CONSOLIDADO_OWNER: databaseUrlOf('who may migrate it'),
  DATABASE_URL_ENTREGAS: databaseUrlOf('another PostgreSQL for the orders'),
  DATABASE_URL_ENTREGAS_OWNER: databaseUrlOf('who may migrate it'),
  ENTREGAS_FLUXO: z.enum(['automatico', 'manual']).default('automatico').describe('whether orders move by themselves'),
  ENTREGAS_ATRASO_MS: envDurationMs().default(1_000).describe('how long each step of the automatic flow waits'),
  ENTREGAS_WEBHOOKS_LOOPBACK: envBoolean().default(false).describe('whether webhooks may go to this machine'),
  REDIS_URL: envUrl('redis', 'rediss').optional().describe('another Redis'),
  JWT_SECRET: z.string().optional().describe('the secret of the tokens, made once by default'),
  ...LIMITES_ENV,
  LOG_LEVEL: z.string().default('warn'),
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl('http', 'https').optional().describe('base URL of an OTLP collector for traces'),
})
type Env = z.infer<typeof EnvSchema>

const say = (line: string) => process.stderr.write(`fluxo: ${line}\n`)

/** Today as the person at this machine sees it. */
const today = (): string => {
  const now = new Date()
  const two = (n: number) => String(n).padStart(2, '0')
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}

const printWelcome = (url: string, token: string, folder: string): void => {
  const data = today()
  const body = JSON.stringify({ tipo: 'CREDITO', valor: 150.5, data, descricao: 'Venda produto X' })
  const order = JSON.stringify({ customer_name: 'Ana Souza', address: 'Rua das Flores, 10', valor: 80 })
  const auth = `-H 'Authorization: Bearer ${token}'`
  console.log(`
Fluxo is ready in ${(performance.now() / 1_000).toFixed(1)} s at ${url}  (API: ${url}/docs)
Data in ${folder} · Ctrl-C stops everything

Token of merchant ${TOKEN_MERCHANT}, valid for 30 days:
${token}

Register an entry, then read the balance of its day:

curl -i ${url}/lancamentos ${auth} -H 'Content-Type: application/json' -d '${body}'

curl -i ${url}/consolidado/${data} ${auth}

Send an order on its way, and see where it is:

curl -i ${url}/orders ${auth} -H 'Content-Type: application/json' -d '${order}'

curl -i ${url}/orders ${auth}
`)
}

const serve = async (env: Env, folder: string, running: RunningFile, leaving: Leaving): Promise<void> => {
  const port = env.PORT ?? PORT_DEFAULT
  const hostname = env.HOST ?? '127.0.0.1'
  if (port !== 0 && !(await portIsFree(port, hostname))) {
    throw new Error(`port ${port} is taken by another program. Try: PORT=${port + 1} npm start`)
  }
  const secrets = await ensureSecrets(folder)
  const jwtSecret = env.JWT_SECRET ?? secrets.jwtSecret
  leaving.check()
  // Loading the services takes as long as starting the servers: both at once.
  const loading = import('../apps/tudo/src/main.ts')
  loading.catch(() => {})
  const servers = await startServers({
    folder,
    secrets,
    particoes: env.PARTICOES,
    given: {
      lancamentos: env.DATABASE_URL_LANCAMENTOS,
      lancamentosOwner: env.DATABASE_URL_LANCAMENTOS_OWNER,
      consolidado: env.DATABASE_URL_CONSOLIDADO,
      consolidadoOwner: env.DATABASE_URL_CONSOLIDADO_OWNER,
      entregas: env.DATABASE_URL_ENTREGAS,
      entregasOwner: env.DATABASE_URL_ENTREGAS_OWNER,
      redis: env.REDIS_URL,
    },
    log: env.LOG_LEVEL === 'debug' ? say : () => {},
    opened: leaving.opened,
  })
  const { startTudo } = await loading
  leaving.check()
  const { databaseUrlLancamentos, databaseUrlConsolidado, databaseUrlEntregas, redisUrl } = servers
  const urls = { databaseUrlLancamentos, databaseUrlConsolidado, databaseUrlEntregas, redisUrl }
  const tudo = await startTudo({
    port,
    hostname,
    ...urls,
    webhooksLoopback: env.ENTREGAS_WEBHOOKS_LOOPBACK,
    fluxo: { automatico: env.ENTREGAS_FLUXO === 'automatico', atrasoMs: env.ENTREGAS_ATRASO_MS },
    jwtSecret,
    limites: env,
    logLevel: env.LOG_LEVEL,
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  })
  leaving.opened(tudo.stop)
  leaving.check()
  await running.publish({ ...servers, jwtSecret, url: tudo.url })
  const token = await signToken({
    secret: jwtSecret,
    comercianteId: TOKEN_MERCHANT,
    scopes: TOKEN_SCOPES,
    expiresInSeconds: TOKEN_SECONDS,
  })
  printWelcome(tudo.url.replace('127.0.0.1', 'localhost'), token, folder)
}

const main = async (): Promise<number> => {
  const leaving = createLeaving({ say })
  try {
    const env = parseEnv(EnvSchema)
    const folder = dataFolder()
    const running = await claim(folder)
    leaving.opened(running.release)
    await serve(env, folder, running, leaving)
    await leaving.asked
    await leaving.close()
    return 0
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    await leaving.close()
    return 1
  }
}

process.exit(await main())
