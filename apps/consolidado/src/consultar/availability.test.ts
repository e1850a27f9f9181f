import { expect, it } from 'vitest'
import { createAvailability } from './availability.ts'

const assemble = () => {
  const state: { now: number; probes: number; answers: boolean } = { now: 0, probes: 0, answers: true }
  const availability = createAvailability({
    clock: () => state.now,
    probe: async () => {
      state.probes += 1
      if (!state.answers) throw new Error('away')
    },
  })
  return { state, ...availability }
}

it('the first answer waits for a probe, later ones are free while it is fresh', async () => {
  const { state, now } = assemble()
  expect(await now()).toBe(true)
  state.now = 499
  for (let i = 0; i < 100; i += 1) expect(now()).toBe(true)
  expect(state.probes).toBe(1)
})

it('knowledge that ages is renewed behind the answers, by one probe at a time', async () => {
  const { state, now } = assemble()
  await now()
  state.now = 600
  state.answers = false
  expect([now(), now(), now()]).toEqual([true, true, true])
  expect(state.probes).toBe(2)
  await Promise.resolve()
  await Promise.resolve()
  expect(now()).toBe(false)
})

it('old knowledge is not trusted: after a pause the answer waits', async () => {
  const { state, now } = assemble()
  await now()
  state.now = 10_000
  state.answers = false
  expect(await now()).toBe(false)
})

it('what a request found out counts at once', async () => {
  const { state, now, report } = assemble()
  await now()
  report(false)
  expect(now()).toBe(false)
  report(true)
  expect(now()).toBe(true)
  expect(state.probes).toBe(1)
})
