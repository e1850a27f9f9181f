import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'
import { READ_LIMITS } from './store.ts'

let stage: QueryStage
let applied = Promise.withResolvers<boolean>()
let waiting = 0
beforeAll(async () => {
  stage = await createQueryStage({
    waitApplied: async () => {
      waiting += 1
      return applied.promise
    },
  })
})
afterAll(() => stage.close())

const [one, other] = [uniquePrefix('um'), uniquePrefix('outro')]

it('a merchant that reads more at once than there is room for waits for itself, and another is answered', async () => {
  const { max, queueMax } = READ_LIMITS.bulkhead
  const readings = Array.from({ length: max + queueMax + 1 }, () =>
    stage.store.readPeriod(one, '2025-01-01', '2025-12-31'),
  )
  const reading = stage.store.readDay(other, '2025-10-15')
  expect((await reading).comercianteId).toBe(other)
  expect(await Promise.all(readings)).toHaveLength(max + queueMax + 1)
})

it('a merchant that waits for too many positions is told so, and another waits beside it', async () => {
  const [ask, askAsOther] = [await stage.askAs(one), await stage.askAs(other)]
  const waitForPosition = (askAs: typeof ask) =>
    askAs('/consolidado/2025-10-15', { 'fluxo-posicao': '0:9', prefer: 'wait=10' })
  const first = Array.from({ length: 500 }, () => waitForPosition(ask))
  await waitFor(() => waiting === 500, { what: 'five hundred wait' })
  const tooMany = await waitForPosition(ask)
  expect([tooMany.status, tooMany.headers.get('retry-after')]).toEqual([429, '1'])
  expect(await tooMany.json()).toMatchObject({ codigo: 'requisicoes-demais' })
  const its = waitForPosition(askAsOther)
  await waitFor(() => waiting === 501, { what: 'the other merchant waits' })
  applied.resolve(true)
  expect((await its).status).toBe(200)
  for (const answer of await Promise.all(first)) expect(answer.status).toBe(200)
  applied = Promise.withResolvers()
  applied.resolve(true)
  expect((await waitForPosition(ask)).status).toBe(200)
})
