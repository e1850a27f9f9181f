import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { root } from '../../scripts/data-folder.ts'
import { freePort } from '../../scripts/local/free-port.ts'
import type { Service } from '../stage/services.ts'
import { waitFor } from '../stage/wait-for.ts'
import { must, type Output, run } from './engine.ts'

type ComposeService = Service | 'nginx' | 'postgres' | 'redis'

const ContainerSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({ Status: z.string(), StartedAt: z.string(), Health: z.object({ Status: z.string() }).optional() }),
  Config: z.object({ User: z.string(), Labels: z.record(z.string(), z.string()) }),
  HostConfig: z.object({ ReadonlyRootfs: z.boolean(), CapDrop: z.array(z.string()).nullish() }),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(z.object({ HostPort: z.string() })).nullable()),
    Networks: z.record(z.string(), z.object({ IPAddress: z.string() })),
  }),
})
export type Container = z.infer<typeof ContainerSchema>

export type Stack = {
  url: string
  jwtSecret: string
  /** Every secret of the project, by its name in `.env`. */
  secrets: Readonly<Partial<Record<string, string>>>
  env: NodeJS.ProcessEnv
  /** `docker compose …` on this project. */
  compose: (...args: string[]) => Promise<string>
  /** The same without throwing, for what is expected to fail. */
  tryCompose: (args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Output>
  /** Running containers of a service, or of all. */
  containers: (service?: ComposeService) => Promise<Container[]>
  /** Brings a service to this many instances; resolves once compose has started or stopped them. */
  scale: (service: ComposeService, count: number) => Promise<void>
  /** Waits until every running container of the service is healthy. */
  healthy: (service: ComposeService, count: number) => Promise<void>
  /** The last words of every container, without the lines of single requests. */
  words: () => Promise<string>
  down: () => Promise<void>
}

/** An image of a next version, which a test may have built for this project. */
export const NEXT_IMAGE = `fluxo/servico:next-${process.pid}`

/** A loaded machine may need this long to start a few Node processes. */
const HEALTHY_TIMEOUT_MS = 240_000

const WORDS_LINES_MAX = 80

/** The certificate of the receiver of webhooks (receiver.yml), self-signed; gives its folder. */
const makeCertificate = async (folder: string): Promise<string> => {
  const place = join(folder, 'certs')
  await mkdir(place)
  const files = ['-keyout', join(place, 'tls.key'), '-out', join(place, 'tls.crt')]
  const names = 'subjectAltName=DNS:avisos.exemplo.com.br,DNS:interno.exemplo.com.br'
  const subject = ['-days', '2', '-subj', '/CN=avisos.exemplo.com.br', '-addext', names]
  await must('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject])
  // The containers run as other users than we are.
  await must('chmod', ['-R', 'a+rX', folder])
  return place
}

/** A project of its own: name, secrets, published port. Nothing is started yet. */
export const createStack = async (): Promise<Stack> => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-compose-'))
  const envFile = join(folder, '.env')
  await must(process.execPath, [join(root, 'scripts', 'compose-env.mjs')], { ...process.env, FLUXO_ENV_FILE: envFile })
  const secrets: Partial<Record<string, string>> = Object.fromEntries(
    [...(await readFile(envFile, 'utf8')).matchAll(/^(\w+)=(.+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  )
  const { JWT_SECRET: jwtSecret } = secrets
  if (jwtSecret === undefined) throw new Error('invariant: compose:env writes JWT_SECRET')
  const port = await freePort()
  const certificates = await makeCertificate(folder)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    COMPOSE_PROJECT_NAME: `fluxo-teste-${process.pid}`,
    COMPOSE_FILE: [join(root, 'docker-compose.yml'), join(root, 'tests', 'compose', 'receiver.yml')].join(':'),
    FLUXO_TESTE_CERTS: certificates,
    COMPOSE_ENV_FILES: envFile,
    COMPOSE_PROGRESS: 'plain',
    FLUXO_PORT: String(port),
    // The line of readiness is needed, a line per request is not: nginx writes those.
    LOG_LEVEL: 'info',
  }
  const compose = (...args: string[]) => must('docker', ['compose', ...args], env)
  const containers = async (service?: ComposeService): Promise<Container[]> => {
    const ids = (await compose('ps', '-q', ...(service === undefined ? [] : [service]))).split('\n').filter(Boolean)
    if (ids.length === 0) return []
    return z.array(ContainerSchema).parse(JSON.parse(await must('docker', ['inspect', ...ids])))
  }
  return {
    url: `http://127.0.0.1:${port}`,
    jwtSecret,
    secrets,
    env,
    compose,
    tryCompose: (args, other = env) => run('docker', ['compose', ...args], other),
    containers,
    scale: async (service, count) => {
      await compose('up', '-d', '--no-deps', '--no-recreate', '--scale', `${service}=${count}`, service)
    },
    healthy: async (service, count) => {
      const all = async () => {
        const found = await containers(service)
        return found.length === count && found.every(({ State }) => State.Health?.Status === 'healthy')
      }
      await waitFor(all, { timeoutMs: HEALTHY_TIMEOUT_MS, intervalMs: 500, what: `${count} healthy ${service}` })
    },
    words: async () => {
      const { stdout } = await run('docker', ['compose', 'logs', '--tail', '3000'], env)
      const lines = stdout.split('\n').filter((line) => !/"msg":"request"|\{"(?:time|host)":"/.test(line))
      return lines.slice(-WORDS_LINES_MAX).join('\n')
    },
    down: async () => {
      await run('docker', ['compose', 'down', '-v', '--remove-orphans', '-t', '5'], env)
      await run('docker', ['image', 'rm', NEXT_IMAGE])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The addresses under which nginx sees a container. */
export const addressesOf = (container: Container): string[] =>
  Object.entries(container.NetworkSettings.Networks)
    .filter(([network]) => network.endsWith('_borda'))
    .map(([, { IPAddress }]) => IPAddress)

export const nameOf = (container: Container): string => container.Name.replace(/^\/?fluxo-teste-\d+-/, '')
