import { type CsvFormat, csvWriter } from '@fluxo/shared/csv/writer'
import { COLUNAS } from '../importar/linha.ts'
import type { Filtros, Ponto } from './listar.ts'
import type { Registrado } from './store.ts'

/** Entries of one read: some 30 kB of text, and a read of 2 ms, so that no connection is held long. */
export const LINHAS_POR_LEITURA = 500

/** Reads the entries after a point, as `LeituraStore.listar` does for one merchant. */
type Ler = (filtros: Filtros, depois: Ponto | undefined, quantos: number) => Promise<readonly Registrado[]>

/**
 * All entries of `filtros` as a CSV file, newest first, in pieces: header row, then one piece for each read.
 *
 * The columns are those that the import reads. Each read takes a connection of its own for its time only, and none is made
 * before the piece before it was taken. An entry that is recorded meanwhile is in the file where its place is still ahead.
 */
export async function* exportar(ler: Ler, filtros: Filtros, format: CsvFormat): AsyncGenerator<string> {
  const csv = csvWriter(format)
  yield csv.begin + csv.line(COLUNAS)
  let depois: Ponto | undefined
  for (;;) {
    const lidos = await ler(filtros, depois, LINHAS_POR_LEITURA)
    if (lidos.length > 0) yield lidos.map((l) => csv.line(celulas(l, csv))).join('')
    depois = lidos.at(-1)
    if (lidos.length < LINHAS_POR_LEITURA) return
  }
}

/** The cells of an entry in the order of the import's columns. */
const celulas = (l: Registrado, csv: ReturnType<typeof csvWriter>): string[] => [
  csv.day(l.data),
  l.tipo,
  csv.amount(l.valor),
  csv.text(l.descricao),
  csv.text(l.referencia ?? ''),
]
