import { signToken } from '@fluxo/shared/http/tokens'
import type { createLeaving } from '../scripts/leaving.ts'
import { MERCHANT_SCOPES } from '../tests/stage/services.ts'
import type { Bench } from './context.ts'
import type { Load } from './load/plan.ts'
import { findWrk } from './load/wrk.ts'
import type { BenchOptions, RowName } from './options.ts'
import { verdictsOn } from './reach.ts'
import type { RowResult } from './result.ts'
import { startServers } from './servers.ts'
import { createServices } from './services.ts'
import { figure } from './table.ts'

const TOKEN_SECONDS = 3_600
/** More requests than a sample can send, so that no two loads use the same number; nine digits hold 300 loads. */
const NUMBERS_OF_A_LOAD = 3_000_000
/** The run ends within ten minutes: a row is not begun when its own time, and the closing of everything, would not fit. */
const RUN_SECONDS_MAX = 600
const CLOSING_SECONDS = 8
/** A sample of the slowest row, on a machine that is slower than it should be. */
const LAST_SAMPLE_SECONDS = 20

/** About how long each row takes, its own servers' start included. */
const ROW_SECONDS: Record<RowName, number> = {
  'post-16': 21,
  'post-64': 30,
  'post-64-followed': 16,
  'post-256': 21,
  'post-batch': 18,
  'post-traced': 30,
  'csv-import': 30,
  'get-cached': 24,
  'get-uncached': 18,
  'lag-200': 16,
  'lag-1000': 14,
  'drain-1': 40,
  'drain-2': 30,
  rebuild: 25,
  'bytes-per-entry': 8,
  'post-orders-64': 25,
  transitions: 35,
  flow: 30,
  'order-latency': 30,
  'sse-1000': 40,
  webhooks: 25,
}

const chooseLoad = async (): Promise<Load> => {
  const wrk = await findWrk()
  if (wrk) return wrk
  const { autocannonLoad } = await import('./load/autocannon.ts')
  return autocannonLoad
}

const createTokens = (secret: string): Bench['token'] => {
  const known = new Map<string, Promise<string>>()
  return (comercianteId) => {
    const token =
      known.get(comercianteId) ??
      signToken({ secret, comercianteId, scopes: MERCHANT_SCOPES, expiresInSeconds: TOKEN_SECONDS })
    known.set(comercianteId, token)
    return token
  }
}

const lineOf = (result: RowResult): string => {
  const ratios = result.yardsticks.map(({ name, ratio }) => `, ${ratio.toFixed(2)} × ${name}`).join('')
  const missed = verdictsOn(result).filter(({ reached }) => !reached)
  const short = missed.length === 0 ? '' : ` (short of ${missed.map(({ text }) => text).join(', ')})`
  const wrong = result.errors.map((error) => `\n       WRONG: ${error}`).join('')
  return `${result.row}: ${figure(result.median)} ${result.unit}${ratios}${short}${wrong}`
}

type CreateBenchOptions = {
  options: BenchOptions
  folder: string
  leaving: ReturnType<typeof createLeaving>
  results: RowResult[]
  say: (line: string) => void
}

/** Starts the servers and puts together what the rows work with. */
export const createBench = async ({ options, folder, leaving, results, say }: CreateBenchOptions): Promise<Bench> => {
  const { opened, check } = leaving
  const began = performance.now()
  const servers = await startServers({ folder, opened, check })
  let numbers = 0
  const seconds = () => (performance.now() - began) / 1000
  const limited = !options.full && options.only.size > 1
  return {
    options,
    folder,
    servers,
    ...createServices({ servers, prof: options.prof, opened, check }),
    load: await chooseLoad(),
    token: createTokens(servers.jwtSecret),
    nextNumbers: () => {
      numbers += NUMBERS_OF_A_LOAD
      return numbers
    },
    wants: (row) => {
      check()
      if (!options.only.has(row)) return false
      const fits = seconds() + ROW_SECONDS[row] + CLOSING_SECONDS <= RUN_SECONDS_MAX
      if (limited && !fits) say(`${row}: no time left of ${RUN_SECONDS_MAX} s`)
      return fits || !limited
    },
    another: (done) => {
      check()
      const late = limited && seconds() > RUN_SECONDS_MAX - LAST_SAMPLE_SECONDS - CLOSING_SECONDS
      return done === 0 || (done < options.samples && !late)
    },
    report: (result) => {
      results.push(result)
      say(`${String(Math.round(seconds())).padStart(3)} s  ${lineOf(result)}`)
    },
    say,
    check,
  }
}
