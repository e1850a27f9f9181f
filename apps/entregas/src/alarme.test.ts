import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createAlarme } from './alarme.ts'

const NUNCA_MS = 60_000

test('a ring ends the wait, and one while nobody waits ends the next', async () => {
  const alarme = createAlarme()
  const espera = alarme.esperar(NUNCA_MS)
  alarme.tocar()
  await espera
  alarme.tocar()
  await alarme.esperar(NUNCA_MS)
})

test('a wait that is over leaves nothing at its signal, however often one waits; an ended signal ends every wait', async () => {
  const alarme = createAlarme()
  const parar = new AbortController()
  for (let i = 0; i < 100; i += 1) await alarme.esperar(0, parar.signal)
  expect(getEventListeners(parar.signal, 'abort')).toEqual([])
  const espera = alarme.esperar(NUNCA_MS, parar.signal)
  parar.abort()
  await espera
  await alarme.esperar(NUNCA_MS, parar.signal)
})
