import { withSql } from '../check.ts'
import { type Bench, type Group, sampleSeconds } from '../context.ts'
import { dayOf } from '../entries.ts'
import type { LoadPlan } from '../load/plan.ts'
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
import { dayRequests, markedDayRequests } from '../requests.ts'
import { type RowResult, summarise } from '../result.ts'
import { LAGS, lag } from './lag.ts'
import { compareDays, type ReadSetting, startReadSetting } from './read-setting.ts'

const CONNECTIONS = 64
const CACHED_SECONDS = 3
const COLD_SECONDS = 2
/** Merchants whose days are put into the projection alone, to be read cold: the ledger knows nothing of them. */
const COLD_MERCHANT_PREFIX = 'fria-'
const COLD_MERCHANTS = Array.from({ length: 50 }, (_, i) => `${COLD_MERCHANT_PREFIX}${i + 1}`)
const COLD_FIRST_DAY = Date.UTC(1950, 0, 1)
/** More reads a second than any sample reaches: no cold day is read twice. */
const COLD_READS_PER_SECOND_MAX = 25_000
/** Days end with 2199. */
const COLD_DAYS_MAX = 91_000

const cached = async (setting: ReadSetting): Promise<RowResult> => {
  const { bench, consolidado } = setting
  const { errors, sources, body } = await compareDays(consolidado.url, setting)
  const bare = await bench.start.bare(body)
  const requests = await dayRequests(bench)
  const plan = (): LoadPlan => ({ requests, first: 0 })
  const targets: Target[] = [bare, consolidado].map((service) => ({ name: service.name, service, plan }))
  await warmUp(bench, targets, CONNECTIONS)
  await resetPeaks([consolidado])
  const shape = { connections: CONNECTIONS, seconds: sampleSeconds(bench, CACHED_SECONDS) }
  const [plain, reads] = (await interleave(bench, targets, shape)) as [Measured, Measured]
  await bare.stop()
  return summarise({
    row: 'get-cached',
    unit: 'GET/s',
    samples: reads.samples,
    yardsticks: { bare: plain.samples },
    rssMb: await peaksOf([consolidado]),
    cpu: reads.cpu,
    details: {
      ...Object.fromEntries([...sources].map(([source, times]) => [`Fluxo-Cache: ${source}`, times])),
      ...cpuDetails({ bare: plain }),
    },
    errors: [...errors, ...answerErrors('consolidado', reads), ...answerErrors('the bare GET', plain)],
  })
}

/** Puts days into the projection that no reader and no consumer has ever put into the cache. */
const makeColdDays = (setting: ReadSetting, days: number): Promise<void> =>
  withSql(setting.balances.ownerUrl, async (sql) => {
    await sql`insert into saldo (geracao, comerciante_id, data, creditos, debitos, quantidade, versao, atualizado_em)
      select geracao, merchant, date '1950-01-01' + day, 150050, 5025, 3, geracao * (1::bigint << 40) + 1, now()
      from projecao, jsonb_array_elements_text(${JSON.stringify(COLD_MERCHANTS)}::text::jsonb) merchant, generate_series(0, ${days - 1}::int) day`
    await sql`vacuum analyze saldo`
  })

/** Verification would rightly find every one of them, each minute, in the rows that follow. */
const removeColdDays = ({ balances }: ReadSetting): Promise<void> =>
  withSql(balances.ownerUrl, async (sql) => {
    await sql`delete from saldo where starts_with(comerciante_id, ${COLD_MERCHANT_PREFIX})`
    await sql`vacuum saldo`
  })

/** Days that were not read in the row: what the service says of where it found them. */
const sourceOf = async ({ bench, consolidado }: ReadSetting, day: string) => {
  const token = await bench.token(`${COLD_MERCHANT_PREFIX}1`)
  const response = await fetch(`${consolidado.url}/consolidado/${day}`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  const body = await response.text()
  const right = body.startsWith(
    `{"data":"${day}","total_creditos":1500.50,"total_debitos":50.25,"saldo_final":1450.25,`,
  )
  return { source: response.headers.get('fluxo-cache'), errors: right ? [] : [`a cold day was answered ${body}`] }
}

const coldPlans = (bench: Bench, readsOfLoad: number) => {
  const loads = bench.options.samples + 1
  const days = Math.min(COLD_DAYS_MAX, Math.ceil((readsOfLoad * loads) / COLD_MERCHANTS.length) + 1)
  const values = Array.from({ length: days }, (_, i) => dayOf(i, COLD_FIRST_DAY))
  const requests = markedDayRequests(bench, COLD_MERCHANTS)
  const planFrom = async () => {
    const all = await requests
    let load = 0
    return (): LoadPlan => {
      load += 1
      return { requests: all, values, first: (load - 1) * readsOfLoad }
    }
  }
  return { days, last: values.at(-1) ?? '', planFrom }
}

const uncached = async (setting: ReadSetting): Promise<RowResult> => {
  const { bench, consolidado } = setting
  const seconds = sampleSeconds(bench, COLD_SECONDS)
  const { days, last, planFrom } = coldPlans(bench, Math.ceil(seconds) * COLD_READS_PER_SECOND_MAX)
  await makeColdDays(setting, days)
  const bare = await bench.start.bare()
  const targets: Target[] = []
  for (const service of [bare, consolidado]) targets.push({ name: service.name, service, plan: await planFrom() })
  await warmUp(bench, targets, CONNECTIONS)
  await resetPeaks([consolidado])
  const [plain, reads] = (await interleave(bench, targets, { connections: CONNECTIONS, seconds })) as [
    Measured,
    Measured,
  ]
  await bare.stop()
  const cold = await sourceOf(setting, last)
  await removeColdDays(setting)
  return summarise({
    row: 'get-uncached',
    unit: 'GET/s',
    samples: reads.samples,
    yardsticks: { bare: plain.samples },
    rssMb: await peaksOf([consolidado]),
    cpu: reads.cpu,
    details: cpuDetails({ bare: plain }),
    errors: [
      ...cold.errors,
      ...(cold.source === 'miss' ? [] : [`a day that nobody had read was found as "${cold.source}"`]),
      ...answerErrors('consolidado', reads),
      ...answerErrors('the bare GET', plain),
    ],
    note: `each read is the first of its day (${(days * COLD_MERCHANTS.length).toLocaleString('en')} days in PostgreSQL)`,
  })
}

const run = async (bench: Bench): Promise<void> => {
  const setting = await startReadSetting(bench)
  if (bench.wants('get-cached')) bench.report(await cached(setting))
  if (bench.wants('get-uncached')) bench.report(await uncached(setting))
  for (const row of LAGS) if (bench.wants(row.row)) bench.report(await lag(setting, row))
}

/** Reads of a day, and how soon an entry is visible: both services at work. */
export const readGroup: Group = { rows: ['get-cached', 'get-uncached', ...LAGS.map(({ row }) => row)], run }
