import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createAlarm } from './alarm.ts'

const NEVER_MS = 60_000

test('a ring ends the wait, and one while nobody waits ends the next', async () => {
  const alarm = createAlarm()
  const wait = alarm.wait(NEVER_MS)
  alarm.ring()
  await wait
  alarm.ring()
  await alarm.wait(NEVER_MS)
})

test('a wait that is over leaves nothing at its signal, however often one waits; an ended signal ends every wait', async () => {
  const alarm = createAlarm()
  const stop = new AbortController()
  for (let i = 0; i < 100; i += 1) await alarm.wait(0, stop.signal)
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  const wait = alarm.wait(NEVER_MS, stop.signal)
  stop.abort()
  await wait
  await alarm.wait(NEVER_MS, stop.signal)
})
