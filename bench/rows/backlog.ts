import type { Bench, Group } from '../context.ts'
import type { RowName } from '../options.ts'
import type { RowResult } from '../result.ts'
import { makeBacklog, publishBacklog } from './backlog-setting.ts'
import { bytesPerEntry } from './bytes.ts'
import { drain } from './drain.ts'
import { rebuild } from './rebuild.ts'

const PUBLISHED_ROWS: readonly RowName[] = ['drain-1', 'drain-2', 'rebuild']

const run = async (bench: Bench): Promise<void> => {
  const backlog = await makeBacklog(bench)
  if (PUBLISHED_ROWS.some((row) => bench.options.only.has(row))) {
    const published = await publishBacklog(backlog)
    let alone: RowResult | undefined
    if (bench.wants('drain-1')) {
      alone = await drain(published, 'drain-1', { consumers: 1 })
      bench.report(alone)
    }
    if (bench.wants('drain-2')) bench.report(await drain(published, 'drain-2', { consumers: 2, alone }))
    if (bench.wants('rebuild')) bench.report(await rebuild(published))
  }
  if (bench.wants('bytes-per-entry')) bench.report(await bytesPerEntry(backlog))
}

/** What a large ledger costs: its way through the stream into the projection, the rebuild, its bytes. */
export const backlogGroup: Group = { rows: [...PUBLISHED_ROWS, 'bytes-per-entry'], run }
