import { type CsvFormat, csvWriter } from '@fluxo/shared/csv/writer'
import type { PagePoint } from '@fluxo/shared/http/page/page'
import { IMPORT_COLUMNS } from '../importar/line.ts'
import { type LancamentoFilters, pointOf } from './listar.ts'
import type { StoredLancamento } from './store.ts'

/** Entries of one read: some 30 kB of text, and a read of 2 ms, so that no connection is held long. */
export const ROWS_OF_ONE_READ = 500

/** Reads the entries after a point, as `LancamentoReadStore.listar` does for one merchant. */
type ReadEntries = (
  filters: LancamentoFilters,
  after: PagePoint | undefined,
  count: number,
) => Promise<readonly StoredLancamento[]>

/**
 * All entries of `filters` as a CSV file, newest first, in pieces: header row, then one piece for each read.
 *
 * The columns are those that the import reads. Each read takes a connection of its own for its time only, and none is made
 * before the piece before it was taken. An entry that is recorded meanwhile is in the file where its place is still ahead.
 */
export async function* exportCsv(
  read: ReadEntries,
  filters: LancamentoFilters,
  format: CsvFormat,
): AsyncGenerator<string> {
  const csv = csvWriter(format)
  yield csv.begin + csv.line(IMPORT_COLUMNS)
  let after: PagePoint | undefined
  for (;;) {
    const readings = await read(filters, after, ROWS_OF_ONE_READ)
    if (readings.length > 0) yield readings.map((l) => csv.line(cells(l, csv))).join('')
    const last = readings.at(-1)
    if (last === undefined || readings.length < ROWS_OF_ONE_READ) return
    after = pointOf(last)
  }
}

/** The cells of an entry in the order of the import's columns. */
const cells = (l: StoredLancamento, csv: ReturnType<typeof csvWriter>): string[] => [
  csv.day(l.data),
  l.tipo,
  csv.amount(l.valor),
  csv.text(l.descricao),
  csv.text(l.referencia ?? ''),
]
