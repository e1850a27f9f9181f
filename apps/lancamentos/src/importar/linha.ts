import { type Formato, nomeSimples } from '@fluxo/shared/csv/cabecalho'
import { type LerLinha, lerDiaCsv, lerValorCsv, MENSAGEM_DE_DIA_CSV, motivoDeTextoCsv } from '@fluxo/shared/csv/linha'
import { DESCRICAO_CARACTERES_MAX, type Pedido, REFERENCIA_CARACTERES_MAX, type Tipo } from '../domain/lancamento.ts'

/** The columns of an import. All but `referencia` must be there. */
export const COLUNAS = ['data', 'tipo', 'valor', 'descricao', 'referencia'] as const
export type Coluna = (typeof COLUNAS)[number]

export const FORMATO: Formato<Coluna> = {
  obrigatorias: ['data', 'tipo', 'valor', 'descricao'],
  opcionais: ['referencia'],
}

/** Reads one record as an entry to be, or names every column that is wrong. The rules are those of `PedidoSchema`. */
export const lerLinha: LerLinha<Coluna, Pedido> = (campo, recusar) => {
  const data = lerDiaCsv(campo('data'))
  if (data === undefined) recusar('data', MENSAGEM_DE_DIA_CSV)
  const tipo = lerTipo(campo('tipo'))
  if (tipo === undefined) recusar('tipo', 'Deve ser CREDITO ou DEBITO.')
  const valor = lerValorCsv(campo('valor'))
  if (typeof valor === 'string') recusar('valor', valor)
  const descricao = campo('descricao')
  const motivoDescricao = motivoDeTextoCsv(descricao, DESCRICAO_CARACTERES_MAX)
  if (motivoDescricao !== undefined) recusar('descricao', motivoDescricao)
  const referencia = campo('referencia')
  const motivoReferencia = referencia && motivoDeTextoCsv(referencia, REFERENCIA_CARACTERES_MAX)
  if (motivoReferencia) recusar('referencia', motivoReferencia)

  if (data === undefined || tipo === undefined || typeof valor === 'string') return undefined
  return { tipo, valor, data, descricao, referencia: referencia || undefined }
}

const TIPO_POR_NOME: ReadonlyMap<string, Tipo> = new Map([
  ['credito', 'CREDITO'],
  ['debito', 'DEBITO'],
])

/** `Crédito` and `credito` are what people write for CREDITO. */
const lerTipo = (texto: string): Tipo | undefined =>
  texto === 'CREDITO' || texto === 'DEBITO' ? texto : TIPO_POR_NOME.get(nomeSimples(texto))
