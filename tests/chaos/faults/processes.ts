import type { World } from '../world.ts'
import { type Aim, type Fault, hit } from './fault.ts'

/** Above the 30 s after which a consumer's unacknowledged entries are taken over. */
const LONGER_THAN_CLAIM_MS = [33_000, 36_000] as const
const CLOCK_JUMP_MAX_MS = 3 * 3_600_000

const endAndRestart = (signal: 'SIGTERM' | 'SIGKILL') => async (world: World, aim: Aim) => {
  const instances = hit(world, aim)
  await Promise.all(instances.map((instance) => instance.end(signal)))
  return async () => {
    await Promise.all(instances.map((instance) => instance.start()))
  }
}

const freeze = async (world: World, aim: Aim) => {
  const instances = hit(world, aim)
  for (const instance of instances) instance.freeze()
  return async () => {
    for (const instance of instances) instance.thaw()
  }
}

/** What happens to our own processes. */
export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    what: 'SIGKILL of an instance, or of every instance of a service; started again',
    holdMs: [500, 4_000],
    hits: 'instances',
    mayHitAll: true,
    inject: endAndRestart('SIGKILL'),
  },
  {
    name: 'term',
    what: 'SIGTERM of an instance, or of every instance of a service; started again',
    holdMs: [500, 2_000],
    hits: 'instances',
    mayHitAll: true,
    inject: endAndRestart('SIGTERM'),
  },
  {
    name: 'freeze',
    what: 'SIGSTOP of an instance for a few seconds, then SIGCONT',
    holdMs: [2_000, 6_000],
    hits: 'instances',
    inject: freeze,
  },
  {
    name: 'freeze-long',
    what: 'SIGSTOP for longer than 30 s, after which others take its unacknowledged entries; then SIGCONT',
    holdMs: LONGER_THAN_CLAIM_MS,
    hits: 'instances',
    dear: true,
    inject: freeze,
  },
  {
    name: 'clock',
    what: 'the wall clock of an instance jumps by up to three hours, forward or back, and returns',
    holdMs: [2_000, 5_000],
    hits: 'instances',
    inject: async (world, aim) => {
      const instances = hit(world, aim)
      const offsetMs = Math.round((aim.choice * 2 - 1) * CLOCK_JUMP_MAX_MS)
      for (const instance of instances) await instance.setClock(offsetMs)
      return async () => {
        for (const instance of instances) await instance.setClock(0)
      }
    },
  },
]
