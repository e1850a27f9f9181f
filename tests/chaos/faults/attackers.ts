import type { Attack } from '../../stage/attacks/attack.ts'
import { BODY_ATTACKS } from '../../stage/attacks/bodies.ts'
import { DELIVERY_ATTACKS } from '../../stage/attacks/deliveries.ts'
import { attackerName } from '../attacker.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

/** An attack by a merchant who is nobody's customer, on the instances in turn. */
const attackBy =
  ({ name, begin }: Attack) =>
  async (world: World) => {
    let turn = 0
    const url = (service: Parameters<World['of']>[0]): string => {
      const instances = world.of(service)
      turn += 1
      return instances[turn % instances.length]?.url ?? ''
    }
    return begin({ url, authorization: `Bearer ${await world.token(attackerName(name))}` })
  }

/** A merchant who uses up what an instance has a fixed number of, while the others work. */
export const ATTACKS: readonly Fault[] = [...BODY_ATTACKS, ...DELIVERY_ATTACKS].map((attack) => ({
  name: `attack-${attack.name}`,
  what: attack.what,
  holdMs: [3_000, 6_000],
  hits: 'one',
  attack: true,
  inject: attackBy(attack),
}))
