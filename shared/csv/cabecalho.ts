import { type CampoInvalido, DomainError, ValidationError } from '../errors.ts'

/** The columns of an import: those that must be there, and those that may. */
export type Formato<Coluna extends string = string> = { obrigatorias: readonly Coluna[]; opcionais: readonly Coluna[] }

/** Where each column stands in a record (-1: absent), how many fields a record has, and how many it has at least. */
export type Colunas<Coluna extends string = string> = {
  em: Readonly<Record<Coluna, number>>
  quantas: number
  /** Up to the last column that must be there. */
  minimo: number
}

/** Controls that no header has, and what the marks of UTF-16 look like in Latin-1: a spreadsheet, an archive, an image. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point.
const BINARIO = /[\u0000-\u0008\u000e-\u001f\ufffd]|^(?:ÿþ|þÿ)/

/** `Descrição ` and `DESCRICAO` are the same column. */
export const nomeSimples = (nome: string): string => nome.trim().normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Longest piece of a foreign column's name that an answer repeats. */
const NOME_MOSTRADO_MAX = 40

/**
 * Reads the header row. Names in any order, case and accents; every column that is missing, repeated or unknown is named.
 * An unknown column is refused, since a misspelt `referencia` that is silently dropped would lose what makes lines unique.
 */
export function lerCabecalho<Coluna extends string>(
  campos: readonly string[],
  { obrigatorias, opcionais }: Formato<Coluna>,
): Colunas<Coluna> {
  if (campos.some((campo) => BINARIO.test(campo))) {
    throw new DomainError(
      'arquivo-nao-e-csv',
      'O arquivo não é texto CSV em UTF-8 ou Latin-1. Se é uma planilha, exporte-a como CSV.',
    )
  }
  const nomes = campos.map(nomeSimples)
  // Empty names at the end are what a spreadsheet writes for columns that once had something in them.
  while (nomes.at(-1) === '') nomes.pop()
  const erros: CampoInvalido[] = []
  const conhecidas: readonly Coluna[] = [...obrigatorias, ...opcionais]
  for (const coluna of conhecidas) {
    const vezes = nomes.filter((nome) => nome === coluna).length
    if (vezes === 0 && obrigatorias.includes(coluna))
      erros.push({ campo: coluna, mensagem: 'Coluna ausente no cabeçalho.' })
    if (vezes > 1) erros.push({ campo: coluna, mensagem: 'Coluna repetida no cabeçalho.' })
  }
  nomes.forEach((nome, i) => {
    if ((conhecidas as readonly string[]).includes(nome)) return
    const mostrado = (campos[i] ?? '').trim().slice(0, NOME_MOSTRADO_MAX)
    erros.push({ campo: mostrado || `coluna ${i + 1}`, mensagem: 'Coluna desconhecida no cabeçalho.' })
  })
  if (erros.length > 0) {
    throw new ValidationError(
      erros.slice(0, ERROS_DE_CABECALHO_MAX),
      `A primeira linha deve ter as colunas ${obrigatorias.join(', ')} e, se houver, ${opcionais.join(', ')}, separadas por "," ou ";".`,
    )
  }
  const em = Object.fromEntries(conhecidas.map((coluna) => [coluna, nomes.indexOf(coluna)])) as Record<Coluna, number>
  const minimo = Math.max(...obrigatorias.map((coluna) => em[coluna])) + 1
  return { em, quantas: nomes.length, minimo }
}

/** A file of another kind may have thousands of "columns"; the first ones tell the merchant enough. */
const ERROS_DE_CABECALHO_MAX = 20
