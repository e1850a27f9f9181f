import { afterEach, beforeEach, expect, test } from 'vitest'
import { mover, receber } from '../../test/casa.ts'
import { createPalco, type Palco } from '../../test/palco.ts'

let palco: Palco
beforeEach(async () => {
  palco = await createPalco()
})
afterEach(() => palco.fechar())

test('a delivery that a restored database does not know is noted and sent again under the same webhook-id', async () => {
  const { criar, pedir, receptor, sql, chegaram, situacoes } = palco
  const { id } = await criar()
  const pedido = await receber(pedir)
  await mover(pedir, pedido, 'SEPARATED')
  await situacoes(id, ['delivered', 'delivered'])
  // As in a dump that was taken between the two events and what was noted of them.
  await sql`delete from aviso`
  await sql`update inbox_avisos set aplicada_ate = 0, adiante = '{}', ultima_posicao = 0, ultimo_id = null`
  await chegaram(4)
  await situacoes(id, ['delivered', 'delivered'])
  const ids = receptor.recebidas.map((recebida) => recebida.id)
  expect(ids).toHaveLength(4)
  expect(new Set(ids.slice(2))).toEqual(new Set(ids.slice(0, 2)))
  expect(new Set(ids).size).toBe(2)
})
