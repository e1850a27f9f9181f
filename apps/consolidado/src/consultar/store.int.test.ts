import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BancadaDeConsulta, createBancadaDeConsulta } from '../../test/bancada-de-consulta.ts'

let bancada: BancadaDeConsulta
beforeAll(async () => {
  bancada = await createBancadaDeConsulta()
})
afterAll(() => bancada.fechar())

it('readers that give up never make another one get somebody else’s day', async () => {
  const lojas = Array.from({ length: 20 }, (_, i) => ({ comercianteId: uniquePrefix('loja'), creditos: BigInt(i + 1) }))
  await Promise.all(lojas.map((loja) => bancada.projetar(loja)))
  // Only statements that a connection has prepared are pipelined on it.
  for (let i = 0; i < 3; i += 1) {
    await Promise.all(Array.from({ length: 40 }, () => bancada.store.lerDia('loja', '2025-10-15')))
    await Promise.all(Array.from({ length: 4 }, () => bancada.leituras`select pg_sleep(0.01)`))
  }
  // A slow statement at the head of each connection, so that the reads behind it are pipelined when they are abandoned.
  const lentas = Array.from({ length: 4 }, () => bancada.leituras`select pg_sleep(0.01)`)
  const aborter = new AbortController()
  const lidos = Array.from({ length: 60 }, async (_, i) => {
    const { comercianteId, creditos } = lojas[i % lojas.length] ?? { comercianteId: '', creditos: 0n }
    const desiste = i % 3 === 0
    const lido = await bancada.store
      .lerDia(comercianteId, '2025-10-15', desiste ? aborter.signal : undefined)
      .catch(() => undefined)
    return { desiste, certo: lido === undefined ? undefined : lido.creditos === creditos }
  })
  // Sent by then, and not yet answered.
  setImmediate(() => aborter.abort())
  for (const { desiste, certo } of await Promise.all(lidos)) expect(certo).toBe(desiste ? undefined : true)
  await Promise.all(lentas)
  for (const { comercianteId, creditos } of lojas) {
    expect((await bancada.store.lerDia(comercianteId, '2025-10-15')).creditos).toBe(creditos)
  }
})
