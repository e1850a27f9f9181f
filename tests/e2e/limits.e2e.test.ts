import { afterAll, beforeAll, expect, test } from 'vitest'
import { type System, startSystem } from '../stage/system.ts'

/** Low, so that also a busy machine sends more. */
const PER_SECOND = 20
const BURST = 40
/** What the instances may admit before they hear of each other: a quantum of one request, and a round trip on a busy machine. */
const BOUND = 30
const SENDERS = 8
const ENTRY = JSON.stringify({ valor: '1.00', tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15' })

let system: System
beforeAll(async () => {
  const limit = { LIMITE_ESCRITA_POR_SEGUNDO: String(PER_SECOND), LIMITE_ESCRITA_RAJADA: String(BURST) }
  system = await startSystem({ lancamentos: 2, env: { ...limit, LIMITE_INSTANCIAS: '2' } })
})
afterAll(() => system.stop())

const post = async (headers: Record<string, string>, n: number): Promise<Response> => {
  const url = system.instances.lancamentos[n % system.instances.lancamentos.length]?.url
  const answer = await fetch(`${url}/lancamentos`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: ENTRY,
  })
  await answer.arrayBuffer()
  return answer
}

/** Some senders that never pause, to the instances in turn; gives their answers and how long they sent. */
const flood = async (comerciante: string, durationMs: number): Promise<{ answers: Response[]; seconds: number }> => {
  const headers = await system.as(comerciante)
  const answers: Response[] = []
  const began = performance.now()
  const send = async (sender: number): Promise<void> => {
    for (let n = sender; performance.now() - began < durationMs; n += 1) answers.push(await post(headers, n))
  }
  await Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)))
  return { answers, seconds: (performance.now() - began) / 1_000 }
}

const created = (answers: readonly Response[]): number => answers.filter(({ status }) => status === 201).length

const expectLimited = (what: string, { answers, seconds }: { answers: Response[]; seconds: number }): void => {
  process.stdout.write(`${what}: ${created(answers)} of ${answers.length} admitted in ${seconds.toFixed(1)} s\n`)
  const refused = answers.filter(({ status }) => status === 429)
  expect(created(answers) + refused.length).toBe(answers.length)
  expect(created(answers)).toBeLessThanOrEqual(BURST + PER_SECOND * seconds + BOUND)
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  for (const { headers } of answers) {
    expect(headers.get('ratelimit-policy')).toBe('"escrita";q=40;w=2')
    expect(headers.get('ratelimit')).toMatch(/^"escrita";r=\d+;t=\d+$/)
  }
}

test('two processes hold one limit for a merchant, refuse no other, and register exactly what they answered', async () => {
  const loud = await flood('ruidosa', 3_000)
  expectLimited('with Redis', loud)
  expect(loud.answers.length).toBeGreaterThan(created(loud.answers))
  expect(created(loud.answers)).toBeGreaterThan((BURST + PER_SECOND * loud.seconds) * 0.6)
  const calm = await system.as('calma')
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => post(calm, n)))
  expect(created(answers)).toBe(30)
  const [row] = await system.sql.lancamentos<{ entries: number }[]>`
    select count(*)::int as entries from lancamentos where comerciante_id = 'ruidosa'`
  expect(row?.entries).toBe(created(loud.answers))
})

test('without Redis nobody is refused because of it: each process allows its share, and together they allow the limit', async () => {
  await system.redis.stop()
  const { answers, seconds } = await flood('sem-redis', 3_000)
  expectLimited('without Redis', { answers, seconds })
  expect(created(answers)).toBeGreaterThan((BURST + PER_SECOND * seconds) * 0.6)
})
