import { resolve } from 'node:path'
import { argumentsOf, UsageError } from '../../scripts/cli.ts'
import type { Fault } from './faults/fault.ts'
import { FAULTS } from './plan.ts'

export type ChaosOptions = {
  minutes: number
  seed: number
  /** What may be injected, in the order of the report. */
  faults: readonly Fault[]
  json: string | undefined
}

const MINUTES = { default: 2, min: 0.1, max: 24 * 60 }
const SEED_MAX = 2 ** 32 - 1

const numberOf = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (text === '' || !(value >= min && value <= max))
    throw new UsageError(`--${name} takes a number from ${min} to ${max}`)
  return value
}

const faultsOf = (only: string | undefined, short: boolean): readonly Fault[] => {
  const names = only?.split(/[\s,]+/).filter((name) => name !== '')
  const unknown = names?.filter((name) => !FAULTS.some((fault) => fault.name === name)) ?? []
  if (unknown.length > 0 || names?.length === 0)
    throw new UsageError(`unknown fault ${unknown.join(', ')}; known: ${FAULTS.map(({ name }) => name).join(', ')}`)
  return FAULTS.filter((fault) => (names === undefined || names.includes(fault.name)) && !(short && fault.dear))
}

/** Reads the command line; paths are relative to where the user stands. Throws `UsageError`. */
export const readOptions = (): ChaosOptions => {
  const { values } = argumentsOf('test:chaos', {
    minutes: { type: 'string', default: String(MINUTES.default) },
    seed: { type: 'string' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    json: { type: 'string' },
  })
  return {
    minutes: numberOf('minutes', values.minutes, MINUTES.min, MINUTES.max),
    seed: values.seed === undefined ? Date.now() % SEED_MAX : Math.floor(numberOf('seed', values.seed, 0, SEED_MAX)),
    faults: faultsOf(values.only, values.short),
    json: values.json === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? process.cwd(), values.json),
  }
}
