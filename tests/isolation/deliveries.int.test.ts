import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceOf } from '../stage/openapi-document.ts'
import { proprias, tentativas } from './deliveries-attempts.ts'
import { acervo, type Encomenda, importar, receber, transitar, viver } from './deliveries-merchant.ts'
import { createDeliveriesWorld, type DeliveriesWorld, withoutChance } from './deliveries-world.ts'
import { pares } from './look-alikes.ts'
import { createNormalForm } from './normal-form.ts'
import type { Pedido, Pedir, Resposta } from './world.ts'

const CASES = Number(process.env['FLUXO_ISOLATION_CASES'] ?? 8)
/** The word in everything that the one writes who tries. */
const EU = 'eu'

/** In one world the other merchant delivers, in the other it does not: nobody else may be able to tell which one it is. */
let full: DeliveriesWorld
let empty: DeliveriesWorld
let receiver: Server
let url: string
/** What webhooks were sent, by the address that names who asked for them. */
const sent: { path: string; body: string }[] = []
beforeAll(async () => {
  receiver = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      sent.push({ path: request.url ?? '', body: Buffer.concat(parts).toString() })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/avisos`
  ;[full, empty] = await Promise.all([createDeliveriesWorld(), createDeliveriesWorld()])
})
afterAll(async () => {
  await Promise.all([full?.stop(), empty?.stop()])
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})

const encomendas = fc.array(
  fc.record({
    valor: fc.option(fc.constantFrom('0.01', '10.00'), { nil: undefined }),
    referencia: fc.option(fc.constantFrom('NF-1', 'NF-2', 'nf-1'), { nil: undefined }),
    chave: fc.option(fc.constantFrom('k1', 'k2', '"k1"'), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 3 },
)

const perguntar = async (
  pedir: Pedir,
  pedidos: readonly Pedido[],
  entretanto: () => Promise<unknown>,
  quando: number,
) => {
  const respostas: Resposta[] = []
  for (const [i, pedido] of pedidos.entries()) {
    if (i === quando) await entretanto()
    respostas.push(withoutChance(pedido.rota, await pedir(pedido)))
  }
  return respostas
}

let compared = 0
const asked = new Set<string>()

const nobodyCanTell = async ([a, b]: [string, string], deA: readonly Encomenda[], deB: readonly Encomenda[]) => {
  const [doA, doB, doBSozinho] = await Promise.all([full.como(a), full.como(b), empty.como(b)])
  const canario = `canario-${a}`
  const segredos = await viver(doA, { encomendas: deA, canario, url: `${url}/a` })
  const minhas = [...proprias(EU, `${url}/${b}`), ...deB.map((encomenda) => receber(encomenda, EU)), importar(deB, EU)]
  const pedidos = [...minhas, ...tentativas(segredos, EU)]
  let antes: unknown
  const meanwhile = async () => {
    await doA(receber({ chave: 'sinal-3', valor: '2.71' }, canario))
    await doA(transitar(segredos.pedidos[0] ?? '', { status: 'OUT_FOR_DELIVERY' }))
    antes = await acervo(doA, segredos)
  }
  const juntos = await perguntar(doB, pedidos, meanwhile, minhas.length)
  const sozinho = await perguntar(doBSozinho, pedidos, async () => {}, minhas.length)

  const alheios = new Set([...segredos.pedidos, ...segredos.eventos, ...segredos.webhooks])
  const [normal, normalSozinho] = [createNormalForm(alheios), createNormalForm(alheios)]
  juntos.forEach((resposta, i) => {
    const [pedido, outra] = [pedidos[i], sozinho[i]]
    if (pedido === undefined || outra === undefined) throw new Error('invariant: the same requests in both worlds')
    expect({ pedido, ...normal(resposta) }).toEqual({ pedido, ...normalSozinho(outra) })
    expect({ pedido, status: resposta.status }).toEqual({ pedido, status: pedido.espera ?? resposta.status })
    // An id that B did not write in the address is in no answer, and neither is what A wrote, unless B wrote it too.
    for (const id of alheios)
      expect(resposta.body.includes(id) && !pedido.caminho.toLowerCase().includes(id)).toBe(false)
    asked.add(pedido.rota)
    compared += 1
  })
  expect(await acervo(doA, segredos)).toEqual(antes)
  const avisados = sent.filter(({ path }) => path === `/avisos/${b}`)
  expect(avisados.filter(({ body }) => [...alheios].some((id) => body.includes(id)))).toEqual([])
}

test('nothing of a merchant’s deliveries is visible to, changed by or inferable by another, at every operation', async () => {
  await fc.assert(
    fc.asyncProperty(pares('e'), encomendas, encomendas, (par, deA, deB) => nobodyCanTell(par(), deA, deB)),
    { numRuns: CASES, endOnFailure: true },
  )
  process.stdout.write(
    `isolation of deliveries: ${CASES} pairs of merchants, ${compared} answers compared over ${asked.size} operations\n`,
  )
  const document = (await (await fetch(`${full.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const operations = Object.entries(document.paths)
    .filter(([path]) => serviceOf(path) === 'entregas')
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  expect(operations.length).toBeGreaterThan(0)
  expect(asked).toEqual(new Set(operations))
}, 600_000)
