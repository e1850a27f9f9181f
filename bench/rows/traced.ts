import { type Listening, listen } from '../../tests/stage/listen.ts'
import { answeredErrors, ledgerErrors, ledgerSettled, readLedger, withSql } from '../check.ts'
import { type Bench, type Group, sampleSeconds } from '../context.ts'
import {
  answerErrors,
  cpuDetails,
  interleave,
  type Measured,
  peaksOf,
  resetPeaks,
  type Target,
  warmUp,
} from '../measure.ts'
import { entryRequests } from '../requests.ts'
import { summarise } from '../result.ts'
import type { Database } from '../servers.ts'

const CONNECTIONS = 64
const SECONDS = 2
/** A share of the traces that a busy service keeps. */
const SAMPLED = '0.01'

/** A collector that takes everything and keeps nothing. */
const startSink = async (bench: Bench): Promise<Listening & { spans: () => boolean }> => {
  let received = false
  const { url, stop } = await listen((request, response) => {
    received = true
    request.resume().on('end', () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'))
  })
  bench.check()
  return { url, spans: () => received, stop }
}

const compare = async (bench: Bench, sink: Awaited<ReturnType<typeof startSink>>): Promise<void> => {
  const ledgers: Database[] = []
  const requests = await entryRequests(bench)
  const target = async (name: string, env: Record<string, string>): Promise<Target> => {
    const ledger = await bench.servers.createDatabase('lancamentos')
    ledgers.push(ledger)
    const service = await bench.start.service('lancamentos', ledger, { env })
    return {
      name,
      service,
      plan: () => ({ requests, first: bench.nextNumbers() }),
      settled: () => ledgerSettled(ledger.ownerUrl),
    }
  }
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url }
  const targets = [
    await target('without', {}),
    await target('all traced', { ...collector, OTEL_TRACES_SAMPLER_ARG: '1' }),
    await target('1 % traced', { ...collector, OTEL_TRACES_SAMPLER_ARG: SAMPLED }),
  ]
  const warm = await warmUp(bench, targets, CONNECTIONS)
  const services = targets.map(({ service }) => service)
  await resetPeaks(services)
  const shape = { connections: CONNECTIONS, seconds: sampleSeconds(bench, SECONDS) }
  const measured = await interleave(bench, targets, shape)
  const [without, all, some] = measured as [Measured, Measured, Measured]
  const errors: string[] = sink.spans() ? [] : ['no trace reached the collector']
  for (const [i, ledger] of ledgers.entries()) {
    const state = await withSql(ledger.ownerUrl, readLedger)
    const answered = (measured[i]?.answered ?? 0) + (warm[i] ?? 0)
    errors.push(...ledgerErrors(state))
    errors.push(...answeredErrors(state.count, answered, CONNECTIONS * (bench.options.samples + 1)))
    errors.push(...answerErrors(targets[i]?.name ?? '', measured[i] ?? { errors: 0 }))
  }
  bench.report(
    summarise({
      row: 'post-traced',
      unit: 'POST/s',
      samples: all.samples,
      yardsticks: { untraced: without.samples, '1 % traced': some.samples },
      rssMb: await peaksOf(services),
      cpu: all.cpu,
      details: cpuDetails({ 'it without traces': without, 'it with 1 % of them': some }),
      errors,
      note: 'every trace kept and sent; beside it the same service without traces, and with one trace in a hundred',
    }),
  )
}

const run = async (bench: Bench): Promise<void> => {
  if (!bench.wants('post-traced')) return
  const sink = await startSink(bench)
  try {
    await compare(bench, sink)
  } finally {
    await sink.stop()
  }
}

/** What traces cost: the same `POST` with all traces, with some and with none. */
export const tracedGroup: Group = { rows: ['post-traced'], run }
