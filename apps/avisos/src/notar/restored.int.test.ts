import { mover, receber } from '@fluxo/tests/stage/orders'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWebhookStage, type WebhookStage } from '../../test/webhook-stage.ts'

let stage: WebhookStage
beforeEach(async () => {
  stage = await createWebhookStage()
})
afterEach(() => stage.close())

test('a delivery that a restored database does not know is noted and sent again under the same webhook-id', async () => {
  const { create, ask, receiver, sql, arrived, statuses } = stage
  const { id } = await create()
  const pedido = await receber(ask)
  await mover(ask, pedido, 'SEPARATED')
  await statuses(id, ['delivered', 'delivered'])
  // As in a dump that was taken between the two events and what was noted of them.
  await sql`delete from aviso`
  await sql`delete from evento`
  await sql`update ouvinte set ultimo = 0`
  await sql`update inbox_pedidos set aplicada_ate = 0, adiante = '{}', ultima_posicao = 0, ultimo_id = null`
  await arrived(4)
  await statuses(id, ['delivered', 'delivered'])
  const ids = receiver.messages.map((message) => message.id)
  expect(ids).toHaveLength(4)
  expect(new Set(ids.slice(2))).toEqual(new Set(ids.slice(0, 2)))
  expect(new Set(ids).size).toBe(2)
})
