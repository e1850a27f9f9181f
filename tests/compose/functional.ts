import { z } from 'zod'
import { waitFor } from '../stage/wait-for.ts'
import { type Answer, type Client, createClient, JSON_BODY } from './client.ts'
import type { Report } from './report.ts'

const DAY = '2025-03-10'
const CSV_ROWS = 2_000
const CSV_CENTS_EACH = 1_001n

const json = (answer: Answer): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(answer.text))
const entry = (valor: string, tipo = 'CREDITO', data = DAY) =>
  `{"valor":${valor},"tipo":"${tipo}","descricao":"Venda","data":"${data}"}`

type Deps = { client: Client; report: Report; token: string }

/** What a merchant does, through nginx: register, correct, send in bulk, read. */
export const checkMerchantDay = async ({ client, report, token }: Deps): Promise<void> => {
  const { check, note } = report
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    client.send('POST', path, { token, body, headers: { ...JSON_BODY, ...headers } })
  const get = (path: string, headers: Record<string, string> = {}) => client.send('GET', path, { token, headers })

  const began = performance.now()
  const first = await post('/lancamentos', entry('150.50'), { 'idempotency-key': 'k-1' })
  const posicao = String(first.headers['fluxo-posicao'])
  const seen = await get(`/consolidado/${DAY}`, { 'fluxo-posicao': posicao, prefer: 'wait=10' })
  note(`POST to visible in the balance: ${(performance.now() - began).toFixed(0)} ms`)
  check(
    'a POST is created and names where it is',
    first.status === 201 && first.headers.location?.startsWith('/lancamentos/') === true,
  )
  check(
    'its position, sent back, makes it visible at once',
    seen.status === 200 && json(seen)['saldo_final'] === 150.5,
    seen.text,
  )

  const again = await post('/lancamentos', entry('150.50'), { 'idempotency-key': 'k-1' })
  check(
    'the same key gives the same entry',
    again.status === 201 && again.text === first.text && again.headers['idempotent-replayed'] === 'true',
  )
  const other = await post('/lancamentos', entry('9.99'), { 'idempotency-key': 'k-1' })
  check(
    'the same key with other content is refused',
    other.status === 422 && json(other)['codigo'] === 'chave-reutilizada',
  )

  const id = String(json(first)['id'])
  // Without a day of its own a reversal falls on today.
  const reverse = () => post(`/lancamentos/${id}/estorno`, `{"data":"${DAY}"}`)
  check('an entry is reversed once', (await reverse()).status === 201 && (await reverse()).status === 409)
  const lote = await post('/lancamentos/lote', `[${entry('10.00')},${entry('2.50', 'DEBITO')},${entry('0')}]`)
  check(
    'a batch answers for each of its entries',
    lote.status === 200 && (lote.text.match(/"criado"/g) ?? []).length === 2,
    lote.text.slice(0, 300),
  )
  const list = json(await get(`/lancamentos?data=${DAY}`))
  const items = z.array(z.unknown()).safeParse(list['itens']).data
  check(
    'the list shows all of them',
    items?.length === 4,
    items === undefined ? `no items, but ${Object.keys(list)}` : `${items.length} of 4`,
  )

  await checkImport({ client, report, token })
  const day = await get(`/consolidado/${DAY}`)
  const unchanged = await get(`/consolidado/${DAY}`, { 'if-none-match': String(day.headers.etag) })
  check('an unchanged balance is 304', unchanged.status === 304 && unchanged.text === '')
}

const checkImport = async ({ client, report, token }: Deps): Promise<void> => {
  const { check } = report
  const row = (n: number) => `2025-04-${String((n % 28) + 1).padStart(2, '0')};CREDITO;10,01;Venda ${n}`
  const csv = ['data;tipo;valor;descricao', ...Array.from({ length: CSV_ROWS }, (_, n) => row(n)), ''].join('\n')
  const send = () =>
    client.send('POST', '/lancamentos/importacoes', { token, body: csv, headers: { 'content-type': 'text/csv' } })
  const first = json(await send())
  check('a CSV is imported', first['criados'] === CSV_ROWS, JSON.stringify(first).slice(0, 200))
  const second = json(await send())
  check('the same file again creates nothing', second['criados'] === 0 && second['repetidos'] === CSV_ROWS)

  const expected = Number(CSV_CENTS_EACH * BigInt(CSV_ROWS)) / 100
  const total = async () =>
    json(await client.send('GET', '/consolidado?de=2025-04-01&ate=2025-04-30', { token }))['total_creditos']
  await waitFor(async () => (await total()) === expected, { timeoutMs: 20_000, intervalMs: 100 }).catch(() => undefined)
  const shown = await total()
  check('the period adds up', shown === expected, `${String(shown)} of ${expected}`)
  const file = await client.send('GET', '/consolidado?de=2025-04-01&ate=2025-04-30', {
    token,
    headers: { accept: 'text/csv', 'accept-encoding': 'gzip' },
  })
  check('the period is a CSV too, compressed', file.headers['content-encoding'] === 'gzip' && file.status === 200)
}

const LARGE_BYTES = 200_000
const TOO_LARGE_BYTES = 9 * 1024 * 1024

/** What nginx and the services answer to what is wrong: always a problem document, never a bare error. */
export const checkRefusals = async ({
  url,
  report,
  token,
}: {
  url: string
  report: Report
  token: string
}): Promise<void> => {
  // Its own: a connection on which a large body was refused half-way is closed by nginx, and must not be used by the next test.
  const client = createClient(url)
  const cases: readonly [what: string, status: number, answer: Promise<Answer>][] = [
    ['no token', 401, client.send('POST', '/lancamentos', { headers: JSON_BODY, body: entry('1') })],
    ['no JSON', 400, client.send('POST', '/lancamentos', { token, headers: JSON_BODY, body: '{' })],
    ['three decimals', 422, client.send('POST', '/lancamentos', { token, headers: JSON_BODY, body: entry('1.005') })],
    [
      'another media type',
      415,
      client.send('POST', '/lancamentos', { token, headers: { 'content-type': 'text/plain' }, body: 'x' }),
    ],
    [
      'a body over 64 KiB',
      413,
      client.send('POST', '/lancamentos', { token, headers: JSON_BODY, body: ' '.repeat(LARGE_BYTES) }),
    ],
    [
      'a batch over 8 MiB',
      413,
      client.send('POST', '/lancamentos/lote', { token, headers: JSON_BODY, body: ' '.repeat(TOO_LARGE_BYTES) }),
    ],
    [
      'a header over 10 KiB',
      431,
      client.send('GET', '/consolidado/2025-01-01', { token, headers: { 'x-long': 'x'.repeat(12_000) } }),
    ],
    ['a URL over 10 KiB', 414, client.send('GET', `/lancamentos?cursor=${'x'.repeat(12_000)}`, { token })],
    ['an unknown path', 404, client.send('GET', '/nada', { token })],
    ['another method', 405, client.send('DELETE', '/lancamentos', { token })],
    [
      'a large import with a wrong token',
      401,
      client.send('POST', '/lancamentos/importacoes', {
        token: 'x.y.z',
        headers: { 'content-type': 'text/csv' },
        body: 'x;y\n'.repeat(LARGE_BYTES),
      }),
    ],
  ]
  for (const [what, status, pending] of cases) {
    const answer = await pending.catch((error: Error): Answer => ({ status: 0, headers: {}, text: error.message }))
    const isProblem =
      answer.headers['content-type'] === 'application/problem+json' && answer.headers['x-request-id'] !== undefined
    report.check(
      `${what} is ${status} and a problem document`,
      answer.status === status && isProblem,
      answer.status === status ? '' : `${answer.status} ${answer.text.slice(0, 150)}`,
    )
  }
  client.close()
}
