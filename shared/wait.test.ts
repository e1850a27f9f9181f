import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createAlarm, ifInTime } from './wait.ts'

const NEVER_MS = 60_000

test('a ring ends the wait, and one while nobody waits ends the next', async () => {
  const alarm = createAlarm()
  const { signal } = new AbortController()
  const waiting = alarm.wait(NEVER_MS, signal)
  alarm.ring()
  await waiting
  alarm.ring()
  await alarm.wait(NEVER_MS, signal)
})

test('a wait that is over leaves nothing at its signal, however often one waits; an ended signal ends every wait', async () => {
  const alarm = createAlarm()
  const stopping = new AbortController()
  for (let i = 0; i < 100; i += 1) await alarm.wait(0, stopping.signal)
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([])
  const waiting = alarm.wait(NEVER_MS, stopping.signal)
  stopping.abort()
  await waiting
  await alarm.wait(NEVER_MS, stopping.signal)
})

test('what one can do without is waited for a while, and its failure is nobody’s', async () => {
  expect(await ifInTime(Promise.resolve(1), NEVER_MS)).toBe(1)
  expect(await ifInTime(Promise.reject(new Error('broken')), NEVER_MS)).toBeUndefined()
  expect(await ifInTime(new Promise(() => {}), 1)).toBeUndefined()
})
