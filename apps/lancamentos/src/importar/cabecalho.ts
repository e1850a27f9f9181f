import { type CampoInvalido, DomainError, ValidationError } from '@fluxo/shared/errors'

/** The columns of an import. All but `referencia` must be there. */
export const COLUNAS = ['data', 'tipo', 'valor', 'descricao', 'referencia'] as const
export type Coluna = (typeof COLUNAS)[number]

/** Where each column stands in a record (-1: absent), and how many fields a record has. */
export type Colunas = Readonly<Record<Coluna, number>> & { quantas: number }

/** Controls that no header has, and what the marks of UTF-16 look like in Latin-1: a spreadsheet, an archive, an image. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const BINARIO = /[\u0000-\u0008\u000e-\u001f\ufffd]|^(?:ÿþ|þÿ)/

/** `Descrição ` and `DESCRICAO` are the same column. */
const nomeSimples = (nome: string): string => nome.trim().normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Longest piece of a foreign column's name that an answer repeats. */
const NOME_MOSTRADO_MAX = 40

/**
 * Reads the header row. Names in any order, case and accents; every column that is missing, repeated or unknown is named.
 * An unknown column is refused, since a misspelt `referencia` that is silently dropped would lose what makes lines unique.
 */
export function lerCabecalho(campos: readonly string[]): Colunas {
  if (campos.some((campo) => BINARIO.test(campo))) {
    throw new DomainError(
      'arquivo-nao-e-csv',
      'O arquivo não é texto CSV em UTF-8 ou Latin-1. Se é uma planilha, exporte-a como CSV.',
    )
  }
  const nomes = campos.map(nomeSimples)
  const erros: CampoInvalido[] = []
  for (const coluna of COLUNAS) {
    const vezes = nomes.filter((nome) => nome === coluna).length
    if (vezes === 0 && coluna !== 'referencia') erros.push({ campo: coluna, mensagem: 'Coluna ausente no cabeçalho.' })
    if (vezes > 1) erros.push({ campo: coluna, mensagem: 'Coluna repetida no cabeçalho.' })
  }
  nomes.forEach((nome, i) => {
    if ((COLUNAS as readonly string[]).includes(nome)) return
    const mostrado = (campos[i] ?? '').trim().slice(0, NOME_MOSTRADO_MAX)
    erros.push({ campo: mostrado || `coluna ${i + 1}`, mensagem: 'Coluna desconhecida no cabeçalho.' })
  })
  if (erros.length > 0) {
    throw new ValidationError(
      erros.slice(0, ERROS_DE_CABECALHO_MAX),
      'A primeira linha deve ter as colunas data, tipo, valor, descricao e, se houver, referencia, separadas por "," ou ";".',
    )
  }
  const em = (coluna: Coluna): number => nomes.indexOf(coluna)
  return {
    data: em('data'),
    tipo: em('tipo'),
    valor: em('valor'),
    descricao: em('descricao'),
    referencia: em('referencia'),
    quantas: nomes.length,
  }
}

/** A file of another kind may have thousands of "columns"; the first ones tell the merchant enough. */
const ERROS_DE_CABECALHO_MAX = 20
