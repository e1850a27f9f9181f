import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'
import { LIMITES_DA_CONSULTA } from './store.ts'

let bancada: BancadaDeConsulta
let aplicado = Promise.withResolvers<boolean>()
let esperando = 0
beforeAll(async () => {
  bancada = await createBancadaDeConsulta({
    waitApplied: async () => {
      esperando += 1
      return aplicado.promise
    },
  })
})
afterAll(() => bancada.fechar())

const [um, outro] = [uniquePrefix('um'), uniquePrefix('outro')]

it('a merchant that reads more at once than there is room for waits for itself, and another is answered', async () => {
  const { max, queueMax } = LIMITES_DA_CONSULTA.bulkhead
  const lidos = Array.from({ length: max + queueMax + 1 }, () =>
    bancada.store.lerPeriodo(um, '2025-01-01', '2025-12-31'),
  )
  const lido = bancada.store.lerDia(outro, '2025-10-15')
  expect((await lido).comercianteId).toBe(outro)
  expect(await Promise.all(lidos)).toHaveLength(max + queueMax + 1)
})

it('a merchant that waits for too many positions is told so, and another waits beside it', async () => {
  const [pedir, pedirOutro] = [await bancada.como(um), await bancada.como(outro)]
  const aguardar = (como: typeof pedir) =>
    como('/consolidado/2025-10-15', { 'fluxo-posicao': '0:9', prefer: 'wait=10' })
  const primeiras = Array.from({ length: 500 }, () => aguardar(pedir))
  await waitFor(() => esperando === 500, { what: 'five hundred wait' })
  const demais = await aguardar(pedir)
  expect([demais.status, demais.headers.get('retry-after')]).toEqual([429, '1'])
  expect(await demais.json()).toMatchObject({ codigo: 'requisicoes-demais' })
  const dele = aguardar(pedirOutro)
  await waitFor(() => esperando === 501, { what: 'the other merchant waits' })
  aplicado.resolve(true)
  expect((await dele).status).toBe(200)
  for (const resposta of await Promise.all(primeiras)) expect(resposta.status).toBe(200)
  aplicado = Promise.withResolvers()
  aplicado.resolve(true)
  expect((await aguardar(pedir)).status).toBe(200)
})
