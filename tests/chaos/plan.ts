import { createRandom } from '../stage/random.ts'
import { ATTACKS } from './faults/attackers.ts'
import { type Aim, drawAim, type Fault } from './faults/fault.ts'
import { NETWORK_FAULTS } from './faults/network.ts'
import { POSTGRES_FAULTS } from './faults/postgres.ts'
import { PROCESS_FAULTS } from './faults/processes.ts'
import { REDIS_FAULTS } from './faults/redis.ts'

/** Every fault that there is. */
export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...REDIS_FAULTS,
  ...POSTGRES_FAULTS,
  ...NETWORK_FAULTS,
  ...ATTACKS,
]

export type Round = {
  fault: Fault
  aim: Aim
  /** A fault of a process that comes on top, in the middle of the first: many bugs need two causes. */
  also: { fault: Fault; aim: Aim } | undefined
}

/** How often a second fault comes on top. */
const ALSO = 0.25
const SECONDS: readonly string[] = ['kill', 'term']

/** The rounds of a seed, without end: each fault once, in an order of its own, and then again in another. */
export function* planOf(seed: number, faults: readonly Fault[]): Generator<Round, never> {
  const random = createRandom(seed, 'chaos plan')
  const second = FAULTS.filter(({ name }) => SECONDS.includes(name))
  for (;;) {
    for (const fault of random.shuffle(faults)) {
      const aim = drawAim(fault, random)
      const other = random.pick(second)
      const otherAim = { ...drawAim(other, random), all: false }
      const also = random.chance(ALSO) && !SECONDS.includes(fault.name)
      yield { fault, aim, also: also ? { fault: other, aim: otherAim } : undefined }
    }
  }
}
