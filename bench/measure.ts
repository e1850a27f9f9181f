import type { Bench } from './context.ts'
import type { LoadPlan, LoadResult } from './load/plan.ts'
import type { MeasuredProcess } from './processes.ts'
import type { CpuUs, Sample } from './result.ts'

const US_PER_MS = 1_000

/** Adds up the CPU time of a row's system while it is being measured. */
export type CpuMeter = {
  /**
   * Counts until the returned function has resolved. `beside` are services that work for the row, too, and that `cpuUs` leaves out.
   */
  start: (services: readonly MeasuredProcess[], beside?: readonly MeasuredProcess[]) => Promise<() => Promise<void>>
  /** For each of so many units; `undefined` where there are none or the system does not tell. */
  perUnit: (units: number) => CpuUs
}

const sumOf = async (times: readonly Promise<number>[]): Promise<number> =>
  (await Promise.all(times)).reduce((sum, ms) => sum + ms, 0)

export const createCpuMeter = ({ servers }: Bench): CpuMeter => {
  const used = { own: 0, all: 0 }
  const usOf = (ms: number, units: number): number | undefined =>
    Number.isNaN(ms) || units === 0 ? undefined : (ms * US_PER_MS) / units
  return {
    start: async (services, beside = []) => {
      const read = async () => {
        const own = await sumOf(services.map((service) => service.cpuMs()))
        return { own, all: own + (await sumOf([servers.cpuMs(), ...beside.map((service) => service.cpuMs())])) }
      }
      const before = await read()
      return async () => {
        const after = await read()
        used.own += after.own - before.own
        used.all += after.all - before.all
      }
    },
    perUnit: (units) => ({ cpuUs: usOf(used.own, units), cpuAllUs: usOf(used.all, units) }),
  }
}

/** Something that a load is sent to, and how much of the row's unit one answer is (a batch has many entries). */
export type Target = {
  name: string
  service: MeasuredProcess
  /** Other services whose work is a part of the row's. */
  beside?: readonly MeasuredProcess[]
  plan: () => LoadPlan
  unitsOfAnswer?: number
  /** Resolves when the service has done what cut-off requests had asked for: it must not disturb the next sample. */
  settled?: () => Promise<void>
}

type LoadShape = { connections: number; seconds: number }

/** What the samples of one target came to. */
export type Measured = { samples: Sample[]; answered: number; errors: number; cpu: CpuUs }

/** A warm-up is long enough for V8 to have compiled the hot path and for every connection to have prepared its statements. */
const WARM_UP_SECONDS = 1

const runLoad = async (bench: Bench, target: Target, { connections, seconds }: LoadShape): Promise<LoadResult> => {
  bench.check()
  const { service, plan, settled } = target
  const result = await bench.load.run({ url: service.url, plan: plan(), connections, seconds, folder: bench.folder })
  await settled?.()
  return result
}

/** Sends each target a load whose figures are thrown away. Answers of it count as answered all the same. */
export const warmUp = async (bench: Bench, targets: readonly Target[], connections: number): Promise<number[]> => {
  const answered: number[] = []
  for (const target of targets) {
    const { requests } = await runLoad(bench, target, { connections, seconds: WARM_UP_SECONDS })
    answered.push(requests * (target.unitsOfAnswer ?? 1))
  }
  return answered
}

/**
 * Measures targets in turn (A B C A B C …), so that what disturbs the machine disturbs all of them alike.
 * Answers in the order of the targets.
 */
export const interleave = async (bench: Bench, targets: readonly Target[], shape: LoadShape): Promise<Measured[]> => {
  const measured = targets.map(() => ({
    samples: [] as Sample[],
    answered: 0,
    errors: 0,
    cpu: createCpuMeter(bench),
  }))
  for (let round = 0; bench.another(round); round += 1) {
    for (const [index, target] of targets.entries()) {
      const of = measured[index]
      if (!of) continue
      const stopped = await of.cpu.start([target.service], target.beside)
      const { requests, perSecond, p50, p99, max, errors } = await runLoad(bench, target, shape)
      await stopped()
      const units = target.unitsOfAnswer ?? 1
      of.samples.push({ value: perSecond * units, p50, p99, max })
      of.answered += requests * units
      of.errors += errors
    }
  }
  return measured.map(({ cpu, ...of }) => ({ ...of, cpu: cpu.perUnit(of.answered) }))
}

/** The CPU time of yardsticks for each unit of work, as details of a row: its ratio holds also where the machine is shared. */
export const cpuDetails = (yardsticks: Readonly<Record<string, Measured>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(yardsticks).flatMap(([name, { cpu }]) =>
      cpu.cpuUs === undefined ? [] : [[`CPU µs of ${name}`, cpu.cpuUs]],
    ),
  )

/** What a load's answers say about its correctness. */
export const answerErrors = (name: string, { errors }: Pick<Measured, 'errors'>): string[] =>
  errors === 0 ? [] : [`${errors} requests to ${name} failed or were answered with an error`]

/** Peak memory of each service since `resetPeaks`, by name; the largest of those with the same name. */
export const peaksOf = async (services: readonly MeasuredProcess[]): Promise<Record<string, number>> => {
  const peaks: Record<string, number> = {}
  for (const service of services) {
    const mb = await service.peakRssMb()
    if (mb !== undefined) peaks[service.name] = Math.max(mb, peaks[service.name] ?? 0)
  }
  return peaks
}

/** Forgets the peaks so far. */
export const resetPeaks = async (services: readonly MeasuredProcess[]): Promise<void> => {
  await Promise.all(services.map((service) => service.resetPeak()))
}
