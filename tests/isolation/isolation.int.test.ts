import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serviceOf } from '../stage/openapi-document.ts'
import { tentativas } from './attempts.ts'
import { pares } from './look-alikes.ts'
import {
  type Entrada,
  enviar,
  estornar,
  importar,
  lerDia,
  livros,
  lote,
  registrar,
  type Segredos,
  segredosDe,
} from './merchant.ts'
import { comparable, createNormalForm } from './normal-form.ts'
import { createWorld, type Pedido, type Pedir, type Resposta, type World } from './world.ts'

const CASES = Number(process.env['FLUXO_ISOLATION_CASES'] ?? 30)

/** In one world the other merchant has books, in the other it has none: nobody else may be able to tell which one it is. */
let full: World
let empty: World
beforeAll(async () => {
  ;[full, empty] = await Promise.all([createWorld(), createWorld()])
})
afterAll(() => Promise.all([full.stop(), empty.stop()]))

const entradas = fc.array(
  fc.record({
    tipo: fc.constantFrom('CREDITO' as const, 'DEBITO' as const),
    valor: fc.constantFrom('0.01', '10.00', '9999999.99'),
    data: fc.constantFrom('2025-10-14', '2025-10-15'),
    referencia: fc.option(fc.constantFrom('NF-1', 'NF-2', 'nf-1'), { nil: undefined }),
    chave: fc.option(fc.constantFrom('k1', 'k2', '"k1"'), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 4 },
)

const escritas = (itens: readonly Entrada[], descricao: string): Pedido[] => [
  ...itens.map((entrada) => registrar(entrada, descricao)),
  lote(itens, descricao, 'k1'),
  importar(itens, descricao),
]

/** Writes and reverses: the books of a merchant whose secrets another one then tries. */
const viver = async (pedir: Pedir, itens: readonly Entrada[], canario: string): Promise<Segredos> => {
  const feitas = await enviar(pedir, escritas(itens, canario))
  const primeiro = (JSON.parse(feitas[0]?.body ?? '') as { id: string }).id
  const estornos = await enviar(pedir, [estornar(primeiro, 'e1'), registrar(SINAL, canario)])
  return segredosDe(pedir, itens, [...feitas, ...estornos], canario)
}
/** A day on which only the other merchant has an entry. */
const SINAL: Entrada = { tipo: 'CREDITO', valor: '3.14', data: '2025-10-20', chave: 'sinal' }

/** The word in the descriptions of who tries. */
const EU = 'eu'

/** Its own books first, then (the other one goes on meanwhile) what it tries; each answer with the request that asked for it. */
const perguntar = async (
  pedir: Pedir,
  itens: readonly Entrada[],
  tentar: readonly Pedido[],
  entretanto: () => Promise<unknown> = async () => {},
) => {
  const proprios = escritas(itens, EU)
  const pedidos = [...proprios, ...tentar]
  const respostas: Resposta[] = []
  const vistos = new Set<string>()
  for (const [i, pedido] of pedidos.entries()) {
    if (i === proprios.length) await entretanto()
    const resposta = await pedir(pedido)
    // Whether a day is in the cache the second time is a matter of microseconds; the first time it is not.
    const repetido = vistos.has(pedido.caminho) || itens.some(({ data }) => pedido.caminho.endsWith(data))
    vistos.add(pedido.caminho)
    const { 'fluxo-cache': _, ...outros } = resposta.headers
    respostas.push(repetido ? { ...resposta, headers: outros } : resposta)
  }
  return { pedidos, respostas }
}

let compared = 0
const asked = new Set<string>()

const nobodyCanTell = async ([a, b]: [string, string], deA: readonly Entrada[], deB: readonly Entrada[]) => {
  const [doA, doB, doBSozinho] = await Promise.all([full.como(a), full.como(b), empty.como(b)])
  const canario = `canario-${a}`
  const segredos = await viver(doA, deA, canario)
  const tentar = tentativas({ ...segredos, entradas: deA }, EU)
  let antes: Resposta[] = []
  const juntos = await perguntar(doB, deB, tentar, async () => {
    await doA(registrar({ ...SINAL, chave: 'sinal-2' }, canario))
    antes = await livros(doA)
  })
  const sozinho = await perguntar(doBSozinho, deB, tentar)

  const alheios = new Set(segredos.ids)
  const [normal, normalSozinho] = [createNormalForm(alheios), createNormalForm(alheios)]
  juntos.respostas.forEach((resposta, i) => {
    const outra = sozinho.respostas[i]
    if (outra === undefined) throw new Error('invariant: the same requests in both worlds')
    const [one, other] = comparable(normal(resposta), normalSozinho(outra))
    expect({ pedido: juntos.pedidos[i], ...one }).toEqual({ pedido: juntos.pedidos[i], ...other })
    expect(resposta.status).toBe(juntos.pedidos[i]?.espera ?? resposta.status)
    asked.add(juntos.pedidos[i]?.rota ?? '')
    compared += 1
  })
  // An id that B did not write in the address is in no answer.
  for (const id of segredos.ids) {
    const contam = juntos.respostas.filter((resposta, i) => {
      return resposta.body.includes(id) && !juntos.pedidos[i]?.caminho.toLowerCase().includes(id)
    })
    expect(contam).toEqual([])
  }
  expect(await livros(doA)).toEqual(antes)
  await posicoesDizemPouco(doB, segredos)
}

/** Positions are of the partition: one of A lets B wait, and then shows B its own day as without it. */
const posicoesDizemPouco = async (doB: Pedir, { posicoes }: Segredos): Promise<void> => {
  const { body } = await doB(lerDia('2025-10-15'))
  for (const posicao of posicoes.slice(0, 3)) {
    const resposta = await doB(lerDia('2025-10-15', { 'fluxo-posicao': posicao, prefer: 'wait=10' }))
    expect([resposta.status, resposta.body]).toEqual([200, body])
  }
}

test('nothing of a merchant is visible to, changed by or inferable by another, at every route', async () => {
  await fc.assert(
    fc.asyncProperty(pares('l'), entradas, entradas, (par, deA, deB) => nobodyCanTell(par(), deA, deB)),
    { numRuns: CASES, endOnFailure: true },
  )
  process.stdout.write(
    `isolation: ${CASES} pairs of merchants, ${compared} answers compared over ${asked.size} routes\n`,
  )
  const document = (await (await fetch(`${full.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const routes = Object.entries(document.paths)
    .filter(([path]) => serviceOf(path) !== 'entregas')
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  expect(routes.length).toBeGreaterThan(0)
  expect(asked).toEqual(new Set(routes))
}, 600_000)
