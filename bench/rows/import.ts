import { createReadStream, createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decimalFromCents } from '@fluxo/shared/money'
import { z } from 'zod'
import { ledgerErrors, readLedger, totalsErrors, withSql } from '../check.ts'
import type { Bench, Group } from '../context.ts'
import { addTo, createEntries, type Totals } from '../entries.ts'
import { createCpuMeter, peaksOf, resetPeaks } from '../measure.ts'
import type { MeasuredProcess } from '../processes.ts'
import { type Sample, summarise } from '../result.ts'

const ReportSchema = z.object({ linhas: z.number(), criados: z.number(), repetidos: z.number(), recusados: z.number() })
/** Lines gathered before a write of the file. */
const LINES_OF_WRITE = 1_000
/** An import that is slower than 1,000 lines/s has failed. */
const TIMEOUT_MS_OF_LINE = 1
const WARM_UP_LINES = 5_000

/** Makes the lines of one merchant's file, adding them up on the way. Half of them have a `referencia`. */
function* csvText(comercianteId: string, lines: number, seed: number, totals: Totals): Generator<string> {
  const next = createEntries({ seed, plain: false })
  let text = 'data,tipo,valor,descricao,referencia\n'
  for (let line = 1; line <= lines; line += 1) {
    const entry = { ...next(), comercianteId }
    addTo(totals, entry)
    const referencia = entry.withReferencia ? `NF-${line}` : ''
    text += `${entry.data},${entry.tipo},${decimalFromCents(entry.valor)},${entry.descricao},${referencia}\n`
    if (line % LINES_OF_WRITE === 0 || line === lines) {
      yield text
      text = ''
    }
  }
}

type Import = { bench: Bench; service: MeasuredProcess; totals: Totals }

/** Writes one file, sends it as one upload, and says how many lines a second went in. The file is made beforehand. */
const importFile = async ({ bench, service, totals }: Import, comercianteId: string, lines: number, seed: number) => {
  const file = join(bench.folder, `${comercianteId}.csv`)
  await pipeline(Readable.from(csvText(comercianteId, lines, seed, totals)), createWriteStream(file))
  bench.check()
  const began = performance.now()
  const response = await fetch(`${service.url}/lancamentos/importacoes`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await bench.token(comercianteId)}`, 'Content-Type': 'text/csv' },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
    signal: AbortSignal.timeout(10_000 + lines * TIMEOUT_MS_OF_LINE),
  })
  const text = await response.text()
  const seconds = (performance.now() - began) / 1000
  const { size } = await stat(file)
  await rm(file)
  if (response.status !== 200) return { sample: { value: 0 }, errors: [`the import was answered ${text}`], size }
  const { linhas: stored, criados: created } = ReportSchema.parse(JSON.parse(text))
  const errors = stored === lines && created === lines ? [] : [`of ${lines} lines, ${text} were imported`]
  return { sample: { value: lines / seconds }, errors, size }
}

const run = async (bench: Bench): Promise<void> => {
  if (!bench.wants('csv-import')) return
  const ledger = await bench.servers.createDatabase('lancamentos')
  const service = await bench.start.service('lancamentos', ledger)
  const totals: Totals = new Map()
  const setting = { bench, service, totals }
  const { lines, full } = bench.options
  const errors = [...(await importFile(setting, 'importa-0', WARM_UP_LINES, 0)).errors]
  await resetPeaks([service])
  const cpu = createCpuMeter(bench)
  const stopped = await cpu.start([service])
  const samples: Sample[] = []
  let bytes = 0
  while (bench.another(samples.length) && !(full && samples.length === 1)) {
    const time = samples.length + 1
    const imported = await importFile(setting, `importa-${time}`, lines, time)
    samples.push(imported.sample)
    errors.push(...imported.errors)
    bytes = imported.size
  }
  await stopped()
  errors.push(...ledgerErrors(await withSql(ledger.ownerUrl, readLedger)))
  errors.push(...(await totalsErrors(totals, ledger.ownerUrl, 'ledger')))
  bench.report(
    summarise({
      row: 'csv-import',
      unit: 'lines/s',
      samples,
      rssMb: await peaksOf([service]),
      cpu: cpu.perUnit(lines * samples.length),
      errors,
      note: `${samples.length} × one upload of ${lines.toLocaleString('en')} lines, ${(bytes / 1e6).toFixed(1)} MB`,
    }),
  )
}

/** `POST /lancamentos/importacoes`: large files in one request each. */
export const importGroup: Group = { rows: ['csv-import'], run }
