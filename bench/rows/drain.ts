import { waitUntil } from '../../scripts/local/wait-until.ts'
import { readApplied, totalsErrors, withSql } from '../check.ts'
import { type CpuMeter, createCpuMeter, peaksOf } from '../measure.ts'
import type { RowName } from '../options.ts'
import type { MeasuredProcess } from '../processes.ts'
import { type RowResult, type Sample, summarise } from '../result.ts'
import type { Database } from '../servers.ts'
import type { Published } from './backlog-setting.ts'

const DRAIN_TIMEOUT_MS = 120_000
/** One row is read each time: next to nothing beside the drain. */
const POLL_MS = 10

export type Drained = {
  balances: Database
  consumers: MeasuredProcess[]
  /** Events a second, and how many were counted. */
  perSecond: number
  counted: number
  errors: string[]
}

/**
 * Starts consumers on the whole backlog, over an empty database, and waits until everything is applied.
 *
 * The clock starts when all of them are ready: what they have applied by then does not count. It stops when
 * `aplicada_ate = ultima`. The consumers stay up; their balances are compared with what was put in.
 */
export const drainOnce = async (
  published: Published,
  consumers: number,
  cpu: CpuMeter = createCpuMeter(published.bench),
): Promise<Drained> => {
  const { bench, lancamentos, totals } = published
  const { entries } = bench.options
  const balances = await bench.servers.createDatabase('consolidado')
  await published.restoreStream()
  return withSql(balances.ownerUrl, async (sql) => {
    const starting = Array.from({ length: consumers }, () =>
      bench.start.service('consolidado', balances, { asks: { lancamentos } }),
    )
    const services = await Promise.all(starting)
    const began = performance.now()
    const stopped = await cpu.start(services, [lancamentos])
    const appliedBefore = await readApplied(sql)
    let applied = appliedBefore
    const done = await waitUntil(
      async () => {
        bench.check()
        applied = await readApplied(sql)
        return applied === entries
      },
      { timeoutMs: DRAIN_TIMEOUT_MS, everyMs: POLL_MS },
    )
    const seconds = (performance.now() - began) / 1000
    await stopped()
    const errors = done
      ? await totalsErrors(totals, balances.ownerUrl, 'balances')
      : [`after ${Math.round(seconds)} s aplicada_ate is ${applied} of ${entries}`]
    const counted = entries - appliedBefore
    return { balances, consumers: services, perSecond: counted / seconds, counted, errors }
  })
}

const stop = async (published: Published, { balances, consumers }: Drained): Promise<void> => {
  await Promise.all(consumers.map((service) => service.stop()))
  await published.bench.servers.dropDatabase(balances)
}

/** Drains the same backlog several times, each time with fresh processes and an empty database. */
export const drain = async (
  published: Published,
  row: RowName,
  { consumers, alone }: { consumers: number; alone?: RowResult | undefined },
): Promise<RowResult> => {
  const samples: Sample[] = []
  const errors: string[] = []
  const cpu = createCpuMeter(published.bench)
  let counted = 0
  const peaks: number[] = []
  while (published.bench.another(samples.length)) {
    const drained = await drainOnce(published, consumers, cpu)
    samples.push({ value: drained.perSecond })
    errors.push(...drained.errors)
    counted += drained.counted
    peaks.push(...Object.values(await peaksOf(drained.consumers)))
    await stop(published, drained)
  }
  return summarise({
    row,
    unit: 'events/s',
    samples,
    ...(alone && { yardsticks: { 'drain-1': alone.samples.map((value) => ({ value })) } }),
    rssMb: peaks.length === 0 ? {} : { consolidado: Math.max(...peaks) },
    cpu: cpu.perUnit(counted),
    ...(!alone && { details: { 'before it the relay published entries/s': published.relayPerSecond } }),
    errors,
    note: `${published.bench.options.entries.toLocaleString('en')} events, from "${consumers} ready" to aplicada_ate = ultima`,
  })
}
