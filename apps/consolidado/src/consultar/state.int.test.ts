import { uniquePrefix } from '@fluxo/tests/stage/databases'
import { serviceBearer } from '@fluxo/tests/stage/tokens'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createQueryStage, type QueryStage } from '../../test/query-stage.ts'

let stage: QueryStage
let token: string
/** What happens while somebody waits for a position; false where it is never applied. */
let whileWaiting: (particao: number, posicao: number) => Promise<boolean>
beforeAll(async () => {
  stage = await createQueryStage({
    particoes: 2,
    waitApplied: (particao, posicao) => whileWaiting(particao, posicao),
  })
  token = await serviceBearer()
})
afterAll(() => stage.close())

const ask = (query: Readonly<Record<string, string>>, authorization = token) =>
  fetch(`${stage.url}/saldos?${new URLSearchParams(query)}`, { headers: { authorization } })

it('a service is told the state of a merchant’s day as it is after the position that it names, never before', async () => {
  const comercianteId = uniquePrefix('loja')
  await stage.projetar({ comercianteId, creditos: 15_050n, debitos: 2_000n, quantidade: 2 })
  const waited: number[][] = []
  whileWaiting = async (particao, posicao) => {
    waited.push([particao, posicao])
    await stage.projetar({ comercianteId, creditos: 15_060n, debitos: 2_000n, quantidade: 3 })
    return true
  }
  const answer = await ask({ comerciante: comercianteId, data: '2025-10-15', particao: '1', posicao: '77' })
  expect([answer.status, await answer.text()]).toEqual([
    200,
    '{"data":"2025-10-15","total_creditos":150.60,"total_debitos":20.00,"saldo_final":130.60,"quantidade":3,"versao":1099511627778}',
  ])
  expect(waited).toEqual([[1, 77]])
})

it('a position that is not applied in time is 503 with Retry-After', async () => {
  whileWaiting = async () => false
  const answer = await ask({ comerciante: 'loja', data: '2025-10-15', particao: '0', posicao: '9' })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await answer.json()).toMatchObject({ codigo: 'posicao-pendente' })
})

it('a merchant’s own token does not open it, and what is asked for must be whole', async () => {
  const query = { comerciante: 'loja', data: '2025-10-15', particao: '0', posicao: '9' }
  const merchant = await stage.askAs('loja')
  expect((await merchant(`/saldos?${new URLSearchParams(query)}`)).status).toBe(403)
  for (const [campo, value] of [
    ['comerciante', 'a b'],
    ['data', '2025-02-30'],
    ['particao', '2'],
    ['posicao', '-1'],
    ['de', '2025-10-15'],
  ] as const) {
    const answer = await ask({ ...query, [campo]: value })
    expect([answer.status, campo]).toEqual([422, campo])
  }
})
