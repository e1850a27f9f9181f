import type { Service } from '../tests/stage/services.ts'
import type { Load } from './load/plan.ts'
import type { BenchOptions, RowName } from './options.ts'
import type { MeasuredProcess } from './processes.ts'
import type { RowResult } from './result.ts'
import type { Database, Servers } from './servers.ts'

type ServiceOptions = {
  /** Settings on top of what every service of the bench gets. */
  env?: Readonly<Record<string, string>> | undefined
  /** The processes that it asks. */
  asks?: Partial<Record<Service, MeasuredProcess>> | undefined
}

export type StartServices = {
  service: (service: Service, database: Database, options?: ServiceOptions) => Promise<MeasuredProcess>
  /** A receiver of webhooks that answers at once and counts what it got. */
  receiver: () => Promise<MeasuredProcess>
  /** The bare servers; `body` is what the GET answers. */
  bare: (body?: string) => Promise<MeasuredProcess>
  singleTransaction: (database: Database) => Promise<MeasuredProcess>
}

/** What every group of rows works with. */
export type Bench = {
  options: BenchOptions
  folder: string
  servers: Servers
  start: StartServices
  /** Stops what is still running of what `start` started, the last one first; rejects where one had ended by itself. */
  stopServices: () => Promise<void>
  load: Load
  /** A token of a merchant. */
  token: (comercianteId: string) => Promise<string>
  /** The number at which the next load may begin: no two loads of a run share a key. */
  nextNumbers: () => number
  /** Whether this row was asked for and there is time for it. */
  wants: (row: RowName) => boolean
  /** Whether to take another sample after `done`: as many as were asked for, fewer where the time is over. */
  another: (done: number) => boolean
  report: (result: RowResult) => void
  /** A line of progress. */
  say: (line: string) => void
  /** Throws once the run is being stopped. */
  check: () => void
}

/** Rows that share their servers and their data. */
export type Group = { rows: readonly RowName[]; run: (bench: Bench) => Promise<void> }

/** Length of a sample: what the user asked for, or the row's own. */
export const sampleSeconds = ({ options }: Bench, own: number): number => options.seconds ?? own
