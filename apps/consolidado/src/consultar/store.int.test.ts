import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'

let stage: QueryStage
beforeAll(async () => {
  stage = await createQueryStage()
})
afterAll(() => stage.close())

it('readers that give up never make another one get somebody else’s day', async () => {
  const merchants = Array.from({ length: 20 }, (_, i) => ({
    comercianteId: uniquePrefix('loja'),
    creditos: BigInt(i + 1),
  }))
  await Promise.all(merchants.map((merchant) => stage.projetar(merchant)))
  // Only statements that a connection has prepared are pipelined on it.
  for (let i = 0; i < 3; i += 1) {
    await Promise.all(Array.from({ length: 40 }, () => stage.store.readDay('loja', '2025-10-15')))
    await Promise.all(Array.from({ length: 4 }, () => stage.reads`select pg_sleep(0.01)`))
  }
  // A slow statement at the head of each connection, so that the reads behind it are pipelined when they are abandoned.
  const slow = Array.from({ length: 4 }, () => stage.reads`select pg_sleep(0.01)`)
  const aborter = new AbortController()
  const readings = Array.from({ length: 60 }, async (_, i) => {
    const { comercianteId, creditos } = merchants[i % merchants.length] ?? { comercianteId: '', creditos: 0n }
    const givesUp = i % 3 === 0
    const reading = await stage.store
      .readDay(comercianteId, '2025-10-15', givesUp ? aborter.signal : undefined)
      .catch(() => undefined)
    return { desiste: givesUp, certo: reading === undefined ? undefined : reading.creditos === creditos }
  })
  // Sent by then, and not yet answered.
  setImmediate(() => aborter.abort())
  for (const { desiste: givesUp, certo: correct } of await Promise.all(readings))
    expect(correct).toBe(givesUp ? undefined : true)
  await Promise.all(slow)
  for (const { comercianteId, creditos } of merchants) {
    expect((await stage.store.readDay(comercianteId, '2025-10-15')).creditos).toBe(creditos)
  }
})
