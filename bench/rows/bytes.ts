import { withSql } from '../check.ts'
import { type RowResult, summarise } from '../result.ts'
import type { Backlog } from './backlog-setting.ts'

type Sizes = { entries: number; total: number; heap: number }
type IndexSize = { name: string; bytes: number }

/** What an entry of the ledger takes on disk, with every index, after a VACUUM. */
export const bytesPerEntry = ({ ledger, bench }: Backlog): Promise<RowResult> =>
  withSql(ledger.ownerUrl, async (sql) => {
    await sql`vacuum analyze lancamentos`
    const [sizes] = await sql<Sizes[]>`
      select (select count(*) from lancamentos)::float8 as entries, pg_total_relation_size('lancamentos')::float8 as total,
        pg_relation_size('lancamentos')::float8 as heap`
    const indexes = await sql<IndexSize[]>`
      select indexrelid::regclass::text as name, pg_relation_size(indexrelid)::float8 as bytes
      from pg_index where indrelid = 'lancamentos'::regclass order by bytes desc`
    if (!sizes) throw new Error('invariant: a count gives a row')
    const { entries, total, heap } = sizes
    const each = Object.fromEntries(indexes.map(({ name, bytes }) => [name, bytes / entries]))
    return summarise({
      row: 'bytes-per-entry',
      unit: 'B',
      samples: [{ value: total / entries }],
      details: { table: heap / entries, ...each },
      note: bench.options.plain
        ? 'no entry has a referencia or a key'
        : 'half have a referencia, half a UUID as idempotency key',
    })
  })
