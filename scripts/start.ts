import { parseEnv } from '@fluxo/shared/env'
import { signToken } from '@fluxo/shared/http/tokens'
import { fluxoOptions } from '../apps/entregas/src/fluir/settings.ts'
import { dataFolder, ensureSecrets } from './data-folder.ts'
import { ofEach, VARIABLES } from './databases.ts'
import { guardServers } from './guard.ts'
import { createLeaving, type Leaving } from './leaving.ts'
import { portIsFree } from './local/free-port.ts'
import { createPlainLog } from './plain-log.ts'
import { claim, type RunningFile } from './running.ts'
import { type StartEnv, StartEnvSchema } from './start-env.ts'
import { startServers } from './start-servers.ts'

const TOKEN_SECONDS = 30 * 86_400
const TOKEN_MERCHANT = 'loja-1'
const TOKEN_SCOPES = [
  ...['lancamentos:escrever', 'lancamentos:ler', 'consolidado:ler'],
  ...['entregas:escrever', 'entregas:ler', 'avisos:escrever', 'avisos:ler'],
]

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

const serve = async (env: StartEnv, folder: string, running: RunningFile, leaving: Leaving): Promise<void> => {
  const { PORT: port, HOST: hostname } = env
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
      databases: ofEach((database) => {
        const { app, owner } = VARIABLES[database]
        return { app: env[app], owner: env[owner] }
      }),
      redis: env.REDIS_URL,
    },
    say,
    log: env.LOG_LEVEL === 'debug' ? say : () => {},
    giveUp: leaving.fail,
    opened: leaving.opened,
  })
  const { startAll } = await loading
  leaving.check()
  const all = await startAll({
    port,
    hostname,
    databaseUrls: ofEach((database) => servers.databases[database].app),
    redisUrl: servers.redisUrl,
    webhooksLoopback: env.AVISOS_LOOPBACK,
    fluxo: fluxoOptions(env),
    jwtSecret,
    limits: env,
    ...(env.LOG_LEVEL === undefined
      ? { logLevel: 'warn', logStream: createPlainLog(say) }
      : { logLevel: env.LOG_LEVEL }),
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
  })
  leaving.opened(all.stop)
  leaving.check()
  const { ENTREGAS_FLUXO, ENTREGAS_ATRASO_MS } = env
  const fluxo = { ENTREGAS_FLUXO, ENTREGAS_ATRASO_MS: String(ENTREGAS_ATRASO_MS) }
  await running.publish({ ...servers, jwtSecret, url: all.url, fluxo })
  const token = await signToken({
    secret: jwtSecret,
    comercianteId: TOKEN_MERCHANT,
    scopes: TOKEN_SCOPES,
    expiresInSeconds: TOKEN_SECONDS,
  })
  printWelcome(all.url.replace('127.0.0.1', 'localhost'), token, folder)
}

const main = async (): Promise<number> => {
  const leaving = createLeaving({ say })
  try {
    const env = parseEnv(StartEnvSchema)
    const folder = dataFolder()
    const running = await claim(folder)
    leaving.opened(running.release)
    leaving.opened(guardServers(folder).release)
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

// A terminal that was closed takes no more words, and has sent SIGHUP: we end for that, in order, and not for words nobody reads.
for (const words of [process.stdout, process.stderr]) words.on('error', () => {})
process.exit(await main())
