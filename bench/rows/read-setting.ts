import { decimalFromCents } from '@fluxo/shared/money'
import { catchUpErrors, readLedger, withSql } from '../check.ts'
import type { Bench } from '../context.ts'
import { addTo, createEntries, DAYS, MERCHANTS, type Totals } from '../entries.ts'
import type { MeasuredProcess } from '../processes.ts'
import { entryJson } from '../requests.ts'
import type { Database } from '../servers.ts'

/** Both services at work, with entries on every day of every merchant. */
export type ReadSetting = {
  bench: Bench
  ledger: Database
  balances: Database
  lancamentos: MeasuredProcess
  consolidado: MeasuredProcess
  totals: Totals
}

const ENTRIES_OF_A_DAY = 2
const SEED = 3
/** Reads in the air while answers are compared. */
const READS_AT_ONCE = 20
const DIFFERENCES_MAX = 3

/** Sends each merchant's entries as one batch, adding them up on the way. */
const seed = async ({ bench, lancamentos, totals }: Omit<ReadSetting, 'balances' | 'ledger' | 'consolidado'>) => {
  const next = createEntries({ seed: SEED, plain: bench.options.plain })
  await Promise.all(
    MERCHANTS.map(async (comercianteId) => {
      const entries = DAYS.flatMap((data) =>
        Array.from({ length: ENTRIES_OF_A_DAY }, () => ({ ...next(), comercianteId, data })),
      )
      const response = await fetch(`${lancamentos.url}/lancamentos/lote`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${await bench.token(comercianteId)}`, 'Content-Type': 'application/json' },
        body: `[${entries.map((entry, i) => entryJson(entry, `semente-${i}`)).join(',')}]`,
      })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`the entries to begin with were answered ${text}`)
      for (const entry of entries) addTo(totals, entry)
    }),
  )
}

/** Starts both services and waits until what they begin with is visible. */
export const startReadSetting = async (bench: Bench): Promise<ReadSetting> => {
  const ledger = await bench.servers.createDatabase('lancamentos')
  const balances = await bench.servers.createDatabase('consolidado')
  const lancamentos = await bench.start.service('lancamentos', ledger)
  const consolidado = await bench.start.service('consolidado', balances, { asks: { lancamentos } })
  const setting = { bench, ledger, balances, lancamentos, consolidado, totals: new Map() }
  await seed(setting)
  const { ultima } = await withSql(ledger.ownerUrl, readLedger)
  const [error] = await catchUpErrors(balances.ownerUrl, ultima)
  if (error !== undefined) throw new Error(`the entries to begin with did not arrive: ${error}`)
  return setting
}

/** What the answer for a day must say, in the order of its fields, up to what time decides. */
export const expectedText = (
  day: string,
  sums: { creditos: bigint; debitos: bigint; quantidade: number } | undefined,
): string => {
  const { creditos, debitos, quantidade } = sums ?? { creditos: 0n, debitos: 0n, quantidade: 0 }
  const [c, d, s] = [creditos, debitos, creditos - debitos].map(decimalFromCents)
  return `{"data":"${day}","total_creditos":${c},"total_debitos":${d},"saldo_final":${s},"quantidade":${quantidade},`
}

/** Reads every day of every merchant and compares it with the totals. `sources` counts what `Fluxo-Cache` said. */
export const compareDays = async (
  url: string,
  { bench, totals }: Pick<ReadSetting, 'bench' | 'totals'>,
): Promise<{ errors: string[]; sources: Map<string, number>; body: string }> => {
  const pairs = MERCHANTS.flatMap((merchant) => DAYS.map((day) => ({ merchant, day })))
  const sources = new Map<string, number>()
  const wrong: string[] = []
  let body = ''
  const reader = async () => {
    for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
      const headers = { Authorization: `Bearer ${await bench.token(pair.merchant)}` }
      const response = await fetch(`${url}/consolidado/${pair.day}`, { headers })
      body = await response.text()
      const source = response.headers.get('fluxo-cache') ?? 'none'
      sources.set(source, (sources.get(source) ?? 0) + 1)
      const expected = expectedText(pair.day, totals.get(`${pair.merchant} ${pair.day}`))
      if (response.status === 200 && body.startsWith(expected)) continue
      wrong.push(`${pair.merchant} ${pair.day} was answered ${response.status} ${body}, not ${expected}…`)
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
  return { errors: wrong.slice(0, DIFFERENCES_MAX), sources, body }
}
