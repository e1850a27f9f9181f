import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Target } from '../../stage/attacks/attack.ts'
import { BODY_ATTACKS } from '../../stage/attacks/bodies.ts'
import { DELIVERY_ATTACKS } from '../../stage/attacks/deliveries.ts'
import { ONE_OF_EACH, type System, startSystem } from '../../stage/system.ts'
import { CALLS, createVictim, type Noticed, type Victim } from './victim.ts'

/** As the services run in containers and under `npm start`: 256 MB of heap. */
const HEAP = { NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12' }
const OBSERVED_MS = 6_000
/** The attacker's own preparations, and what a refused one begins again. */
const UNDER_WAY_MS = 1_500
/**
 * What a victim may notice: no refusal, no lost answer, and 99 of 100 calls within this. A quiet machine shows some 100 ms; the
 * bound is for one on which the attacker, the victim and all servers share two cores with other tests.
 */
const P99_MAX_MS = 3_000

let system: System
let victim: Victim
const closers: (() => Promise<void>)[] = []

const targetOf = async (comerciante: string): Promise<Target> => {
  const { Authorization: authorization } = await system.as(comerciante)
  return { url: system.url, authorization }
}

beforeAll(async () => {
  system = await startSystem({ ...ONE_OF_EACH, env: { ...HEAP, AVISOS_LOOPBACK: 'true' } })
  closers.unshift(system.stop)
  victim = await createVictim(await targetOf('victim'))
  closers.unshift(victim.close)
  await victim.observe(UNDER_WAY_MS)
})
afterAll(async () => {
  for (const close of closers) await close()
})

const lineOf = (name: string, noticed: Readonly<Record<(typeof CALLS)[number], Noticed>>): string => {
  const cells = CALLS.map((call) => {
    const { p50, p99, refused, calls } = noticed[call]
    return `${call} ${p50.toFixed(0)}/${p99.toFixed(0)} ms${refused.length > 0 ? `, ${refused.length} of ${calls} refused` : ''}`
  })
  return `${name.padEnd(20)} ${cells.join(' · ')}\n`
}

const observe = async (name: string) => {
  const noticed = await victim.observe(OBSERVED_MS)
  process.stdout.write(lineOf(name, noticed))
  return noticed
}

test('a merchant alone, to compare with', async () => {
  const noticed = await observe('nobody attacks')
  for (const call of CALLS) expect(noticed[call].refused, call).toEqual([])
})

test.each([...BODY_ATTACKS, ...DELIVERY_ATTACKS])(
  '$name: no other merchant is refused, or waits',
  async ({ name, begin }) => {
    const processes = Object.values(system.instances).flat()
    let ended: string | undefined
    for (const { ended: end } of processes) void end.then((how) => (ended ??= `a process ended with ${how}`))
    const end = await begin(await targetOf(`attacker-${name}`))
    await delay(UNDER_WAY_MS)
    try {
      const noticed = await observe(name)
      expect(ended).toBeUndefined()
      for (const call of CALLS) {
        expect(noticed[call].refused, call).toEqual([])
        expect(noticed[call].p99, `${call}, p99`).toBeLessThan(P99_MAX_MS)
      }
    } finally {
      await end()
    }
  },
)
