import type { RowName } from './options.ts'
import { median } from './statistics.ts'

/** One sample of a row or of a yardstick: its figure in the row's unit, and latencies in milliseconds where there are any. */
export type Sample = { value: number; p50?: number; p99?: number; max?: number }

/** A yardstick's median and samples, and how many times it the row reached. */
type Yardstick = { name: string; median: number; ratio: number; samples: number[] }

/** CPU microseconds for each unit of a row: of its services, and with PostgreSQL and Redis, without whoever sends the load. */
export type CpuUs = { cpuUs: number | undefined; cpuAllUs: number | undefined }

/** What a row gave. Times in milliseconds, memory in MiB. */
export type RowResult = {
  row: RowName
  unit: string
  median: number
  samples: number[]
  p50?: number
  p99?: number
  max?: number
  /** Peak resident memory of each service during the row. */
  rssMb: Record<string, number>
  yardsticks: Yardstick[]
  /** Further figures, by name. */
  details: Record<string, number>
  /** Wrong answers, missing or doubled entries: any of them fails the run. */
  errors: string[]
  /** How it was measured, where that is not obvious. */
  note?: string
} & Partial<CpuUs>

const medianOf = (samples: readonly Sample[], field: 'p50' | 'p99' | 'max'): number | undefined => {
  const values = samples.flatMap((sample) => sample[field] ?? [])
  return values.length === 0 ? undefined : median(values)
}

type Given = Pick<RowResult, 'row' | 'unit'> & {
  samples: readonly Sample[]
  yardsticks?: Readonly<Record<string, readonly Sample[]>>
} & { cpu?: CpuUs | undefined } & Partial<Pick<RowResult, 'rssMb' | 'details' | 'errors' | 'note'>>

/** Sums the samples up: medians of the figure and of each percentile; the largest of the maxima; ratios of medians. */
export const summarise = (given: Given): RowResult => {
  const { row, unit, samples, yardsticks = {}, rssMb = {}, cpu, details = {}, errors = [], note } = given
  const middle = median(samples.map(({ value }) => value))
  const p50 = medianOf(samples, 'p50')
  const p99 = medianOf(samples, 'p99')
  const maxima = samples.flatMap(({ max }) => max ?? [])
  return {
    row,
    unit,
    median: middle,
    samples: samples.map(({ value }) => value),
    ...(p50 !== undefined && { p50 }),
    ...(p99 !== undefined && { p99 }),
    ...(maxima.length > 0 && { max: Math.max(...maxima) }),
    rssMb,
    ...cpu,
    yardsticks: Object.entries(yardsticks).map(([name, of]) => {
      const values = of.map(({ value }) => value)
      return { name, median: median(values), ratio: middle / median(values), samples: values }
    }),
    details,
    errors,
    ...(note !== undefined && { note }),
  }
}
