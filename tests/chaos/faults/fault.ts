import type { Random } from '../../stage/random.ts'
import { SERVICE_NAMES, type Service } from '../../stage/services.ts'
import { INSTANCES, type World } from '../world.ts'

/** Where and how long: drawn when the plan is made, so that a seed repeats it. Each fault uses what it needs. */
export type Aim = {
  service: Service
  /** Which instance of the service. */
  instance: number
  /** Whether all instances of the service are hit. */
  all: boolean
  /** How long it lasts. */
  holdMs: number
  /** A share in [0, 1) for whatever else there is to choose. */
  choice: number
}

export type Heal = () => Promise<void>

export type Fault = {
  name: string
  /** One line for the table of `--help` and the documentation. */
  what: string
  holdMs: readonly [min: number, max: number]
  /** What it hits: instances of a service, the database of a service, or what there is one of. */
  hits: 'instances' | 'database' | 'one'
  /** Where it can only hit one service. */
  service?: Service
  /** Where nothing says that it may hit all instances at once, it hits one. */
  mayHitAll?: boolean
  /** A merchant who attacks while nothing else is broken: the others may notice no more than `noticed.ts` says. */
  attack?: boolean
  /** Too long for a short run. */
  dear?: boolean
  /** Why it cannot be injected here, if so. */
  impossible?: (world: World) => string | undefined
  /** Breaks something; what it gives mends it again. It must be ready to be mended from its first step on. */
  inject: (world: World, aim: Aim) => Promise<Heal>
}

/** What an aim comes down to, for the log. */
export const describeAim = ({ hits }: Fault, { service, instance, all, holdMs }: Aim): string => {
  const time = `${(holdMs / 1_000).toFixed(1)} s`
  if (hits === 'one') return time
  if (hits === 'database') return `${service}, ${time}`
  return `${all ? `every ${service}` : `${service}-${instance + 1}`}, ${time}`
}

/** How often a fault that may hit all instances at once does. */
const ALL = 0.4

/** Draws an aim; every fault draws the same numbers, so that a change of one leaves the others' plan as it was. */
export const drawAim = (fault: Fault, random: Random): Aim => {
  const drawn: Service = random.pick(SERVICE_NAMES)
  const service = fault.service ?? drawn
  const [min, max] = fault.holdMs
  const instance = random.int(0, INSTANCES[service] - 1)
  const all = random.chance(ALL) && fault.mayHitAll === true
  return { service, instance, all, holdMs: random.int(min, max), choice: random.next() }
}

/** The instances that an aim hits. */
export const hit = (world: World, { service, instance, all }: Aim) =>
  world.of(service).filter((_, index) => all || index === instance)
