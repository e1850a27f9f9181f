import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceOf } from '../stage/openapi-document.ts'
import { attempts } from './attempts.ts'
import { lookAlikes } from './look-alikes.ts'
import {
  books,
  type Entry,
  importFile,
  lote,
  readDay,
  register,
  reverse,
  type Secrets,
  secretsOf,
  sendAll,
} from './merchant.ts'
import { comparable, createNormalForm } from './normal-form.ts'
import { type Answer, type Ask, type Call, createWorld, type World } from './world.ts'

const CASES = Number(process.env['FLUXO_ISOLATION_CASES'] ?? 30)

/** In one world the other merchant has books, in the other it has none: nobody else may be able to tell which one it is. */
let full: World
let empty: World
beforeAll(async () => {
  ;[full, empty] = await Promise.all([createWorld(), createWorld()])
})
afterAll(() => Promise.all([full.stop(), empty.stop()]))

const entries = fc.array(
  fc.record({
    tipo: fc.constantFrom('CREDITO' as const, 'DEBITO' as const),
    valor: fc.constantFrom('0.01', '10.00', '9999999.99'),
    data: fc.constantFrom('2025-10-14', '2025-10-15'),
    referencia: fc.option(fc.constantFrom('NF-1', 'NF-2', 'nf-1'), { nil: undefined }),
    chave: fc.option(fc.constantFrom('k1', 'k2', '"k1"'), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 4 },
)

const writes = (items: readonly Entry[], descricao: string): Call[] => [
  ...items.map((entry) => register(entry, descricao)),
  lote(items, descricao, 'k1'),
  importFile(items, descricao),
]

/** Writes and reverses: the books of a merchant whose secrets another one then tries. */
const live = async (ask: Ask, items: readonly Entry[], canary: string): Promise<Secrets> => {
  const done = await sendAll(ask, writes(items, canary))
  const first = (JSON.parse(done[0]?.body ?? '') as { id: string }).id
  const reversals = await sendAll(ask, [reverse(first, 'e1'), register(SIGNAL, canary)])
  return secretsOf(ask, items, [...done, ...reversals], canary)
}
/** A day on which only the other merchant has an entry. */
const SIGNAL: Entry = { tipo: 'CREDITO', valor: '3.14', data: '2025-10-20', chave: 'sinal' }

/** The word in the descriptions of who tries. */
const AUTHOR = 'eu'

/** Its own books first, then (the other one goes on meanwhile) what it tries; each answer with the request that asked for it. */
const askAll = async (
  ask: Ask,
  items: readonly Entry[],
  tries: readonly Call[],
  interruption: () => Promise<unknown> = async () => {},
) => {
  const own = writes(items, AUTHOR)
  const calls = [...own, ...tries]
  const answers: Answer[] = []
  const seen = new Set<string>()
  for (const [i, call] of calls.entries()) {
    if (i === own.length) await interruption()
    const answer = await ask(call)
    // Whether a day is in the cache the second time is a matter of microseconds; the first time it is not.
    const repeated = seen.has(call.path) || items.some(({ data }) => call.path.endsWith(data))
    seen.add(call.path)
    const { 'fluxo-cache': _, ...others } = answer.headers
    answers.push(repeated ? { ...answer, headers: others } : answer)
  }
  return { calls, answers }
}

let compared = 0
const asked = new Set<string>()

const nobodyCanTell = async ([a, b]: [string, string], ofA: readonly Entry[], ofB: readonly Entry[]) => {
  const [askA, askB, askBAlone] = await Promise.all([full.askAs(a), full.askAs(b), empty.askAs(b)])
  const canary = `canario-${a}`
  const secrets = await live(askA, ofA, canary)
  const tries = attempts({ ...secrets, entries: ofA }, AUTHOR)
  let before: Answer[] = []
  const together = await askAll(askB, ofB, tries, async () => {
    await askA(register({ ...SIGNAL, chave: 'sinal-2' }, canary))
    before = await books(askA)
  })
  const alone = await askAll(askBAlone, ofB, tries)

  const foreign = new Set(secrets.ids)
  const [normal, normalAlone] = [createNormalForm(foreign), createNormalForm(foreign)]
  together.answers.forEach((answer, i) => {
    const lone = alone.answers[i]
    if (lone === undefined) throw new Error('invariant: the same requests in both worlds')
    const [one, other] = comparable(normal(answer), normalAlone(lone))
    expect({ call: together.calls[i], ...one }).toEqual({ call: together.calls[i], ...other })
    expect(answer.status).toBe(together.calls[i]?.expected ?? answer.status)
    asked.add(together.calls[i]?.operation ?? '')
    compared += 1
  })
  // An id that B did not write in the address is in no answer.
  for (const id of secrets.ids) {
    const telling = together.answers.filter((answer, i) => {
      return answer.body.includes(id) && !together.calls[i]?.path.toLowerCase().includes(id)
    })
    expect(telling).toEqual([])
  }
  expect(await books(askA)).toEqual(before)
  await positionsTellLittle(askB, secrets)
}

/** Positions are of the partition: one of A lets B wait, and then shows B its own day as without it. */
const positionsTellLittle = async (askB: Ask, { posicoes }: Secrets): Promise<void> => {
  const { body } = await askB(readDay('2025-10-15'))
  for (const posicao of posicoes.slice(0, 3)) {
    const answer = await askB(readDay('2025-10-15', { 'fluxo-posicao': posicao, prefer: 'wait=10' }))
    expect([answer.status, answer.body]).toEqual([200, body])
  }
}

test('nothing of a merchant is visible to, changed by or inferable by another, at every route', async () => {
  await fc.assert(
    fc.asyncProperty(lookAlikes('l'), entries, entries, (pair, ofA, ofB) => nobodyCanTell(pair(), ofA, ofB)),
    { numRuns: CASES, endOnFailure: true },
  )
  process.stdout.write(
    `isolation: ${CASES} pairs of merchants, ${compared} answers compared over ${asked.size} routes\n`,
  )
  const document = (await (await fetch(`${full.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const routes = Object.entries(document.paths)
    .filter(([path]) => ['lancamentos', 'consolidado'].includes(serviceOf(path)))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  expect(routes.length).toBeGreaterThan(0)
  expect(asked).toEqual(new Set(routes))
}, 600_000)
