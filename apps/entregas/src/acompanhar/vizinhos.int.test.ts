import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Casa, createCasa, type Instancia, mover, type Pedir, receber } from '../../test/casa.ts'
import { createOuvinte } from '../../test/ouvinte.ts'

let casa: Casa
let uma: Instancia
let vitima: Pedir
let atacante: Pedir
/** A body that nobody refers to is cancelled by fetch. */
let abertas: Response[]
beforeEach(async () => {
  casa = await createCasa()
  uma = await casa.abrir('a')
  vitima = await uma.como('vitima')
  atacante = await uma.como('atacante')
  abertas = []
})
afterEach(() => casa.fechar())

const ouvintes = async (): Promise<number> =>
  Number(/fluxo_acompanhar_ouvintes (\d+)/.exec(await uma.registry.metrics())?.[1])
const pagina = async (por: Pedir, pedido: string): Promise<string> => {
  const { url } = (await (await por(`/orders/${pedido}/tracking`, { method: 'POST' })).json()) as { url: string }
  return uma.url + url
}
/** Opens streams and reads nothing of them; tells how many were opened, and how many were refused as documented. */
const abrir = async (por: Pedir, pedidos: readonly string[], signal: AbortSignal) => {
  const respostas = await Promise.all(pedidos.map((pedido) => por(`/orders/${pedido}/stream`, { signal })))
  abertas.push(...respostas)
  const recusadas = respostas.filter(({ status, headers }) => status === 503 && headers.get('retry-after') !== null)
  return [respostas.filter(({ status }) => status === 200).length, recusadas.length]
}
const vezes = <T>(n: number, um: T): T[] => Array.from({ length: n }, () => um)

test('a merchant that opens every stream it can takes its share, and neither another’s streams nor the pages’', async () => {
  const parar = new AbortController()
  const pedido = await receber(atacante)
  expect(await abrir(atacante, vezes(60, pedido), parar.signal)).toEqual([20, 40])
  const outros = await Promise.all(vezes(30, atacante).map((por) => receber(por)))
  expect(
    await abrir(
      atacante,
      outros.flatMap((um) => vezes(20, um)),
      parar.signal,
    ),
  ).toEqual([480, 120])

  const daVitima = await receber(vitima)
  const enderecos = [`${await pagina(vitima, daVitima)}/stream`, `${await pagina(atacante, pedido)}/stream`]
  const ouvindo = enderecos.map((endereco) => createOuvinte(() => endereco))
  const [naPagina] = ouvindo
  const stream = await vitima(`/orders/${daVitima}/stream`, { signal: parar.signal })
  expect(stream.status).toBe(200)
  await waitFor(() => ouvindo.every((um) => um.ouvidos.length === 1), { what: 'the pages to hear' })
  const atrasos: number[] = []
  for (const status of ['SEPARATED', 'IN_TRANSIT', 'OUT_FOR_DELIVERY']) {
    const inicio = performance.now()
    const antes = naPagina?.ouvidos.length ?? 0
    await mover(vitima, daVitima, status)
    await waitFor(() => naPagina?.ouvidos.length === antes + 1, { what: status })
    atrasos.push((naPagina?.ouvidos.at(-1)?.em ?? 0) - inicio)
  }
  console.info(`500 streams of another merchant: the victim's page heard within ${Math.max(...atrasos).toFixed(0)} ms`)

  parar.abort()
  await Promise.all(ouvindo.map((um) => um.fechar()))
  await waitFor(async () => (await ouvintes()) === 0, { what: 'the places to be free' })
  const deNovo = new AbortController()
  expect(await abrir(atacante, vezes(21, pedido), deNovo.signal)).toEqual([20, 1])
  deNovo.abort()
})

test('a stream that nobody reads to begin with keeps no place: HEAD, and a client that is gone at once', async () => {
  const pedido = await receber(vitima)
  const endereco = `${await pagina(vitima, pedido)}/stream`
  for (let i = 0; i < 5; i += 1) {
    expect((await vitima(`/orders/${pedido}/stream`, { method: 'HEAD' })).status).toBeLessThan(500)
    expect((await fetch(endereco, { method: 'HEAD' })).status).toBeLessThan(500)
  }
  for (let i = 0; i < 100; i += 1) {
    const parar = new AbortController()
    const aberta = vitima(`/orders/${pedido}/stream`, { signal: parar.signal }).catch(() => {})
    setTimeout(() => parar.abort(), i / 10)
    await aberta
  }
  await waitFor(async () => (await ouvintes()) === 0, { what: 'nobody to listen' })
})
