import { type Columns, plainName } from '@fluxo/shared/csv/header'
import { CSV_DAY_MESSAGE, csvTextFault, type ReadLine, readCsvDay, readCsvValor } from '@fluxo/shared/csv/row'
import { DESCRICAO_CHARS_MAX, type NovoLancamento, REFERENCIA_CHARS_MAX, type Tipo } from '../domain/lancamento.ts'

/** The columns of an import. All but `referencia` must be there. */
export const IMPORT_COLUMNS = ['data', 'tipo', 'valor', 'descricao', 'referencia'] as const
export type LancamentoColumn = (typeof IMPORT_COLUMNS)[number]

export const IMPORT_FORMAT: Columns<LancamentoColumn> = {
  required: ['data', 'tipo', 'valor', 'descricao'],
  optional: ['referencia'],
}

/** Reads one record as an entry to be, or names every column that is wrong. The rules are those of `NovoLancamentoSchema`. */
export const readLine: ReadLine<LancamentoColumn, NovoLancamento> = (field, refuse) => {
  const data = readCsvDay(field('data'))
  if (data === undefined) refuse('data', CSV_DAY_MESSAGE)
  const tipo = readTipo(field('tipo'))
  if (tipo === undefined) refuse('tipo', 'Deve ser CREDITO ou DEBITO.')
  const valor = readCsvValor(field('valor'))
  if (typeof valor === 'string') refuse('valor', valor)
  const descricao = field('descricao')
  const descricaoMotivo = csvTextFault(descricao, DESCRICAO_CHARS_MAX)
  if (descricaoMotivo !== undefined) refuse('descricao', descricaoMotivo)
  const referencia = field('referencia')
  const referenciaMotivo = referencia && csvTextFault(referencia, REFERENCIA_CHARS_MAX)
  if (referenciaMotivo) refuse('referencia', referenciaMotivo)

  if (data === undefined || tipo === undefined || typeof valor === 'string') return undefined
  return { tipo, valor, data, descricao, referencia: referencia || undefined }
}

const TIPO_BY_NAME: ReadonlyMap<string, Tipo> = new Map([
  ['credito', 'CREDITO'],
  ['debito', 'DEBITO'],
])

/** `Crédito` and `credito` are what people write for CREDITO. */
const readTipo = (text: string): Tipo | undefined =>
  text === 'CREDITO' || text === 'DEBITO' ? text : TIPO_BY_NAME.get(plainName(text))
