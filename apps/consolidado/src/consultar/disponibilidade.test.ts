import { expect, it } from 'vitest'
import { createDisponibilidade } from './disponibilidade.ts'

const montar = () => {
  const estado: { agora: number; sondas: number; responde: boolean } = { agora: 0, sondas: 0, responde: true }
  const disponibilidade = createDisponibilidade({
    relogio: () => estado.agora,
    sondar: async () => {
      estado.sondas += 1
      if (!estado.responde) throw new Error('away')
    },
  })
  return { estado, ...disponibilidade }
}

it('the first answer waits for a probe, later ones are free while it is fresh', async () => {
  const { estado, agora } = montar()
  expect(await agora()).toBe(true)
  estado.agora = 499
  for (let i = 0; i < 100; i += 1) expect(agora()).toBe(true)
  expect(estado.sondas).toBe(1)
})

it('knowledge that ages is renewed behind the answers, by one probe at a time', async () => {
  const { estado, agora } = montar()
  await agora()
  estado.agora = 600
  estado.responde = false
  expect([agora(), agora(), agora()]).toEqual([true, true, true])
  expect(estado.sondas).toBe(2)
  await Promise.resolve()
  await Promise.resolve()
  expect(agora()).toBe(false)
})

it('old knowledge is not trusted: after a pause the answer waits', async () => {
  const { estado, agora } = montar()
  await agora()
  estado.agora = 10_000
  estado.responde = false
  expect(await agora()).toBe(false)
})

it('what a request found out counts at once', async () => {
  const { estado, agora, informar } = montar()
  await agora()
  informar(false)
  expect(agora()).toBe(false)
  informar(true)
  expect(agora()).toBe(true)
  expect(estado.sondas).toBe(1)
})
