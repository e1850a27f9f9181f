import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { totalsErrors } from '../check.ts'
import { DAYS, MERCHANTS } from '../entries.ts'
import { runProgram } from '../load/run-program.ts'
import { peaksOf, resetPeaks } from '../measure.ts'
import { type RowResult, type Sample, summarise } from '../result.ts'
import { median, percentile } from '../statistics.ts'
import type { Published } from './backlog-setting.ts'
import { type Drained, drainOnce } from './drain.ts'
import { expectedText } from './read-setting.ts'

const COMMAND = join(import.meta.dirname, '..', '..', 'scripts', 'consolidado-rebuild.ts')
const REBUILD_TIMEOUT_MS = 120_000
/** A reader that does not stop: some hundred reads a second, next to nothing beside the rebuild. */
const READ_EVERY_MS = 5
const DIFFERENCES_MAX = 3

type Reader = { stop: () => Promise<void>; readMs: number[]; errors: string[]; failures: () => number }

/** Reads one day after the other until it is stopped; every answer must be 200 with the very same sums. */
const startReader = (published: Published, url: string): Reader => {
  const { bench, totals } = published
  const reading: { on: boolean; failures: number } = { on: true, failures: 0 }
  const readMs: number[] = []
  const errors: string[] = []
  const read = async (merchant: string, day: string) => {
    const began = performance.now()
    const expected = expectedText(day, totals.get(`${merchant} ${day}`))
    const headers = { Authorization: `Bearer ${await bench.token(merchant)}` }
    const text = await fetch(`${url}/consolidado/${day}`, { headers }).then(
      async (response) => `${response.status} ${await response.text()}`,
      (error: unknown) => String(error),
    )
    readMs.push(performance.now() - began)
    if (text.startsWith(`200 ${expected}`)) return
    reading.failures += 1
    if (errors.length < DIFFERENCES_MAX) errors.push(`during the rebuild ${merchant} ${day} was answered ${text}`)
  }
  const loop = async () => {
    for (let n = 0; reading.on; n += 1) {
      await read(MERCHANTS[n % MERCHANTS.length] ?? '', DAYS[n % DAYS.length] ?? '')
      await delay(READ_EVERY_MS)
    }
  }
  const looping = loop()
  return {
    readMs,
    errors,
    failures: () => reading.failures,
    stop: () => {
      reading.on = false
      return looping
    },
  }
}

type Rebuilt = { perSecond: number; wallSeconds: number; errors: string[] }

/** Runs `npm run consolidado:rebuild` as its user does, and reads what it says. */
const rebuildOnce = async (published: Published, { balances }: Drained): Promise<Rebuilt> => {
  const { bench, lancamentos } = published
  bench.check()
  const began = performance.now()
  const output = await runProgram({
    program: process.execPath,
    args: [COMMAND],
    timeoutMs: REBUILD_TIMEOUT_MS,
    env: {
      DATABASE_URL_CONSOLIDADO: balances.appUrl,
      FEED_URL: lancamentos.url,
      REDIS_URL: bench.servers.redisUrl,
      JWT_SECRET: bench.servers.jwtSecret,
    },
  })
  const wallSeconds = (performance.now() - began) / 1000
  const [, entries, seconds] = /^(\d+) entries in ([\d.]+) s/m.exec(output) ?? []
  const errors = [
    ...(Number(entries) === bench.options.entries ? [] : [`the rebuild said: ${output}`]),
    ...(output.includes('every day is as before') ? [] : [`the rebuild changed days: ${output}`]),
    ...(await totalsErrors(published.totals, balances.ownerUrl, 'balances')),
  ]
  return { perSecond: Number(entries) / Number(seconds), wallSeconds, errors }
}

/** Rebuilds the projection of the whole backlog while days are read; the result must be what it was. */
export const rebuild = async (published: Published): Promise<RowResult> => {
  const drained = await drainOnce(published, 1)
  const [consolidado] = drained.consumers
  if (!consolidado) throw new Error('invariant: one consumer was started')
  await resetPeaks([consolidado, published.lancamentos])
  const reader = startReader(published, consolidado.url)
  const samples: Sample[] = []
  const rebuilt: Rebuilt[] = []
  try {
    while (published.bench.another(samples.length)) {
      const one = await rebuildOnce(published, drained)
      rebuilt.push(one)
      samples.push({ value: one.perSecond })
    }
  } finally {
    await reader.stop()
  }
  const { readMs } = reader
  return {
    ...summarise({
      row: 'rebuild',
      unit: 'entries/s',
      samples,
      rssMb: await peaksOf([published.lancamentos, consolidado]),
      details: {
        'whole command, s': median(rebuilt.map(({ wallSeconds }) => wallSeconds)),
        'reads meanwhile': readMs.length,
        'of them failed': reader.failures(),
      },
      errors: [...drained.errors, ...rebuilt.flatMap(({ errors }) => errors), ...reader.errors],
      note: `${published.bench.options.entries.toLocaleString('en')} entries; latencies are those of reads meanwhile`,
    }),
    p50: percentile(readMs, 0.5),
    p99: percentile(readMs, 0.99),
    max: percentile(readMs, 1),
  }
}
