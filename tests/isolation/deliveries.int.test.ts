import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listen } from '../stage/listen.ts'
import { serviceOf } from '../stage/openapi-document.ts'
import { attempts, ownCalls } from './deliveries-attempts.ts'
import { holdings, importFile, live, move, type Order, receive } from './deliveries-merchant.ts'
import { createDeliveriesWorld, type DeliveriesWorld, withoutChance } from './deliveries-world.ts'
import { lookAlikes } from './look-alikes.ts'
import { createNormalForm } from './normal-form.ts'
import type { Answer, Ask, Call } from './world.ts'

const CASES = Number(process.env['FLUXO_ISOLATION_CASES'] ?? 8)
/** The word in everything that the one writes who tries. */
const AUTHOR = 'eu'

/** In one world the other merchant delivers, in the other it does not: nobody else may be able to tell which one it is. */
let full: DeliveriesWorld
let empty: DeliveriesWorld
let receiver: Listening
let url: string
/** What webhooks were sent, by the address that names who asked for them. */
const sent: { path: string; body: string }[] = []
beforeAll(async () => {
  receiver = await listen((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      sent.push({ path: request.url ?? '', body: Buffer.concat(parts).toString() })
      response.writeHead(204).end()
    })
  })
  url = `${receiver.url}/avisos`
  ;[full, empty] = await Promise.all([createDeliveriesWorld(), createDeliveriesWorld()])
})
afterAll(async () => {
  await Promise.all([full?.stop(), empty?.stop()])
  await receiver.stop()
})

const orders = fc.array(
  fc.record({
    valor: fc.option(fc.constantFrom('0.01', '10.00'), { nil: undefined }),
    referencia: fc.option(fc.constantFrom('NF-1', 'NF-2', 'nf-1'), { nil: undefined }),
    chave: fc.option(fc.constantFrom('k1', 'k2', '"k1"'), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 3 },
)

const askAll = async (ask: Ask, calls: readonly Call[], interruption: () => Promise<unknown>, at: number) => {
  const answers: Answer[] = []
  for (const [i, call] of calls.entries()) {
    if (i === at) await interruption()
    answers.push(withoutChance(call.operation, await ask(call)))
  }
  return answers
}

let compared = 0
const asked = new Set<string>()

const nobodyCanTell = async ([a, b]: [string, string], ofA: readonly Order[], ofB: readonly Order[]) => {
  const [askA, askB, askBAlone] = await Promise.all([full.askAs(a), full.askAs(b), empty.askAs(b)])
  const canary = `canario-${a}`
  const secrets = await live(askA, { orders: ofA, canary, url: `${url}/a` })
  const mine = [
    ...ownCalls(AUTHOR, `${url}/${b}`),
    ...ofB.map((order) => receive(order, AUTHOR)),
    importFile(ofB, AUTHOR),
  ]
  const calls = [...mine, ...attempts(secrets, AUTHOR)]
  let before: unknown
  const meanwhile = async () => {
    await askA(receive({ chave: 'sinal-3', valor: '2.71' }, canary))
    await askA(move(secrets.pedidos[0] ?? '', { status: 'OUT_FOR_DELIVERY' }))
    before = await holdings(askA, secrets)
  }
  const together = await askAll(askB, calls, meanwhile, mine.length)
  const alone = await askAll(askBAlone, calls, async () => {}, mine.length)

  const foreign = new Set([...secrets.pedidos, ...secrets.eventos, ...secrets.webhooks])
  const [normal, normalAlone] = [createNormalForm(foreign), createNormalForm(foreign)]
  together.forEach((answer, i) => {
    const [call, lone] = [calls[i], alone[i]]
    if (call === undefined || lone === undefined) throw new Error('invariant: the same requests in both worlds')
    expect({ call, ...normal(answer) }).toEqual({ call, ...normalAlone(lone) })
    expect({ call, status: answer.status }).toEqual({ call, status: call.expected ?? answer.status })
    // An id that B did not write in the address is in no answer, and neither is what A wrote, unless B wrote it too.
    for (const id of foreign) expect(answer.body.includes(id) && !call.path.toLowerCase().includes(id)).toBe(false)
    asked.add(call.operation)
    compared += 1
  })
  expect(await holdings(askA, secrets)).toEqual(before)
  const told = sent.filter(({ path }) => path === `/avisos/${b}`)
  expect(told.filter(({ body }) => [...foreign].some((id) => body.includes(id)))).toEqual([])
}

test('nothing of a merchant’s deliveries is visible to, changed by or inferable by another, at every operation', async () => {
  await fc.assert(
    fc.asyncProperty(lookAlikes('e'), orders, orders, (pair, ofA, ofB) => nobodyCanTell(pair(), ofA, ofB)),
    { numRuns: CASES, endOnFailure: true },
  )
  process.stdout.write(
    `isolation of deliveries: ${CASES} pairs of merchants, ${compared} answers compared over ${asked.size} operations\n`,
  )
  const document = (await (await fetch(`${full.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const operations = Object.entries(document.paths)
    .filter(([path]) => ['entregas', 'avisos'].includes(serviceOf(path)))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  expect(operations.length).toBeGreaterThan(0)
  expect(asked).toEqual(new Set(operations))
}, 600_000)
