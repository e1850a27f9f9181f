import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/data-folder.ts'
import { freePort } from '../../scripts/local/free-port.ts'
import { waitFor } from '../stage/wait-for.ts'
import { must, run } from './engine.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

/** So low that a burst of a few requests is over it. */
const LOW_LIMITS = { LIMITE_COMERCIANTE_POR_S: '1', LIMITE_COMERCIANTE_RAJADA: '3' }
const BURST = 12

type Answer = { status: number; headers: Record<string, unknown>; text: string }

/** nginx again, with a self-signed certificate mounted and low limits: HTTP/2 over TLS, and 429 for one merchant only. */
export const checkTlsAndLimits = async (deps: {
  stack: Stack
  report: Report
  tokens: readonly [string, string]
}): Promise<void> => {
  const { stack, report, tokens } = deps
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-tls-'))
  try {
    const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]
    const subject = ['-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    await must('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject])
    // The container's nginx is another user than we are.
    await must('chmod', ['-R', 'a+rX', folder])
    const port = await freePort()
    const env = {
      ...stack.env,
      ...LOW_LIMITS,
      COMPOSE_FILE: `${join(root, 'docker-compose.yml')}:${join(root, 'deploy', 'compose', 'tls.yml')}`,
      FLUXO_TLS_DIR: folder,
      FLUXO_TLS_PORT: String(port),
    }
    await must('docker', ['compose', 'up', '-d', '--no-deps', '--wait', 'nginx'], env)
    await checkHttp2(`https://localhost:${port}`, report, tokens)
    const plain = await run('curl', ['-s', '-o', '/dev/null', '-m', '5', stack.url])
    report.check('with TLS only HTTPS is published', plain.code !== 0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const checkHttp2 = async (url: string, report: Report, [token, other]: readonly [string, string]): Promise<void> => {
  // Self-signed, made a moment ago: there is no authority to check it against.
  const session = connect(url, { rejectUnauthorized: false })
  session.on('error', () => {})
  const get = (path: string, bearer: string) =>
    new Promise<Answer>((resolve, reject) => {
      const stream = session.request({ ':path': path, authorization: `Bearer ${bearer}` })
      let headers: Record<string, unknown> = {}
      let text = ''
      stream.on('response', (given) => {
        headers = given
      })
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      stream.once('end', () => resolve({ status: Number(headers[':status']), headers, text })).once('error', reject)
    })
  const path = '/consolidado/2025-03-10'
  try {
    await waitFor(async () => (await get('/health', token)).status === 200, { timeoutMs: 15_000, what: 'HTTPS' })
    const hello = await get(path, other)
    const isHttp2 = session.alpnProtocol === 'h2'
    report.check(
      'HTTP/2 over TLS with a mounted certificate',
      hello.status === 200 && isHttp2 && 'strict-transport-security' in hello.headers,
    )
    const burst = await Promise.all(Array.from({ length: BURST }, () => get(path, token)))
    const refused = burst.filter(({ status }) => status === 429)
    const [one] = refused
    const asDocumented =
      one?.headers['retry-after'] === '1' && one.headers['content-type'] === 'application/problem+json'
    report.check(
      'above the limit of a merchant: 429 with Retry-After',
      refused.length > 0 && asDocumented,
      `${refused.length} of ${BURST}; ${one?.text ?? ''}`,
    )
    report.check('another merchant is still served', (await get(path, other)).status === 200)
  } finally {
    session.close()
  }
}
