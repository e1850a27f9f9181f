import { join } from 'node:path'
import { freePort } from '../scripts/local/free-port.ts'
import type { Bench, StartServices } from './context.ts'
import { type Service, startNode } from './processes.ts'
import type { Database, Servers } from './servers.ts'

const root = join(import.meta.dirname, '..')
const FILES = {
  lancamentos: join(root, 'apps/lancamentos/src/main.ts'),
  consolidado: join(root, 'apps/consolidado/src/main.ts'),
  entregas: join(root, 'apps/entregas/src/main.ts'),
  receiver: join(root, 'bench/load/receiver.ts'),
  bare: join(root, 'bench/yardsticks/bare.ts'),
  singleTransaction: join(root, 'bench/yardsticks/single-transaction.ts'),
} as const

type ServicesOptions = {
  servers: Servers
  folder: string
  prof: string | undefined
  /** Hears how to end each process. */
  opened: (stop: () => Promise<void>) => void
  check: () => void
}

/** Above what any row reaches: the limits are at work, and refuse nothing. */
const LIMIT_PER_SECOND = '100000'

/** Environment that may be handed on to the services: it changes what they do, and is the user's to choose. */
const handedOn = (): Record<string, string> => ({
  LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
  LIMITE_ESCRITA_POR_SEGUNDO: process.env['LIMITE_ESCRITA_POR_SEGUNDO'] ?? LIMIT_PER_SECOND,
  LIMITE_LEITURA_POR_SEGUNDO: process.env['LIMITE_LEITURA_POR_SEGUNDO'] ?? LIMIT_PER_SECOND,
  // As in docker-compose.yml and `npm start`.
  NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1',
  ...(process.env['TRANSACTION'] && { TRANSACTION: process.env['TRANSACTION'] }),
})

/** How each process of the bench is started: every service and every yardstick is one Node process of its own. */
export const createServices = (options: ServicesOptions): Pick<Bench, 'start' | 'stopServices'> => {
  const { servers, folder, prof, opened, check } = options
  let running: (() => Promise<void>)[] = []
  const launch = async (
    name: string,
    file: string,
    env: Record<string, string>,
    measured: boolean,
  ): Promise<Service> => {
    check()
    const flags = measured && prof !== undefined ? ['--cpu-prof', `--cpu-prof-dir=${join(prof, name)}`] : []
    const port = await freePort()
    const service = { name, file, port, env: { ...handedOn(), ...env }, readyPath: '/health/ready', folder }
    return startNode({ ...service, nodeFlags: flags }, (stop) => {
      running.push(stop)
      opened(stop)
    })
  }
  let instances = 0
  const { jwtSecret: JWT_SECRET, redisUrl: REDIS_URL } = servers
  const ledgerEnv = ({ appUrl }: Database) => ({ DATABASE_URL_LANCAMENTOS: appUrl, JWT_SECRET, REDIS_URL })
  const start: StartServices = {
    lancamentos: (database, env) => launch('lancamentos', FILES.lancamentos, { ...ledgerEnv(database), ...env }, true),
    consolidado: ({ appUrl }, feedUrl) => {
      instances += 1
      const env = { DATABASE_URL_CONSOLIDADO: appUrl, JWT_SECRET, REDIS_URL, FEED_URL: feedUrl }
      return launch('consolidado', FILES.consolidado, { ...env, INSTANCIA: `bench-${instances}` }, true)
    },
    entregas: ({ appUrl }, env) => {
      instances += 1
      const own = { DATABASE_URL_ENTREGAS: appUrl, JWT_SECRET, REDIS_URL }
      return launch('entregas', FILES.entregas, { ...own, INSTANCIA: `bench-${instances}`, ...env }, true)
    },
    receiver: () => launch('receiver', FILES.receiver, {}, false),
    bare: (body = '{}') => launch('bare', FILES.bare, { BODY: body }, false),
    singleTransaction: (database) => launch('single-transaction', FILES.singleTransaction, ledgerEnv(database), false),
  }
  const stopServices = async () => {
    const stops = running.toReversed()
    running = []
    const ended = await Promise.allSettled(stops.map((stop) => stop()))
    const failed = ended.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }
  return { start, stopServices }
}
