import { DomainError } from '../errors.ts'
import { type Colunas, type Formato, lerCabecalho } from './cabecalho.ts'
import type { RegistroCsv } from './leitor.ts'
import { type LerLinha, lerRegistro, vazios } from './linha.ts'
import { CONTEUDOS_MAX, createOrdinais } from './ordinais.ts'
import { createRelatorio, type Relatorio } from './relatorio.ts'

/** A line that can be stored, with the key under which it is known again when the file is sent again. */
export type LinhaPronta<Pedido> = { linha: number; pedido: Pedido; chave: string | undefined }

/** What became of a line: stored now, stored before, or refused with a reason for the merchant. */
export type Destino = 'criado' | 'repetido' | { recusado: string }

type ImportacaoOptions<Coluna extends string, Pedido> = {
  formato: Formato<Coluna>
  lerLinha: LerLinha<Coluna, Pedido>
  /** The merchant's own name of what the line says, unique for ever. */
  referenciaDe: (pedido: Pedido) => string | undefined
  /** Fingerprint of the content, hex: equal content, equal fingerprint. */
  impressaoDe: (pedido: Pedido) => string
  /** What a file without lines lacks, for the merchant. */
  oQue: string
  conteudosMax?: number
}

export type Importacao<Pedido> = {
  /** Reads records in the order of the file and gives the lines to be stored; the others are refused and reported. */
  decidir: (registros: readonly RegistroCsv[]) => LinhaPronta<Pedido>[]
  /** Takes down what became of one line. */
  anotar: (linha: LinhaPronta<Pedido>, destino: Destino) => void
  /** The report. Throws where the file held no line at all. */
  concluir: () => Relatorio
}

/**
 * Decides what a file means.
 *
 * Sending a file again must create nothing twice, also after a broken upload or with one line corrected, while two equal
 * lines in one file are two. So a line with `referencia` is known by it; one without, by its content and by **how many
 * equal lines stand before it in this file**: the second coffee of a day is still the second coffee in tomorrow's
 * upload. It follows that the same line in two different files is one, too.
 */
export function createImportacao<Coluna extends string, Pedido>(
  options: ImportacaoOptions<Coluna, Pedido>,
): Importacao<Pedido> {
  const { formato, lerLinha, referenciaDe, impressaoDe, oQue, conteudosMax = CONTEUDOS_MAX } = options
  const relatorio = createRelatorio()
  const ordinais = createOrdinais(conteudosMax)
  let colunas: Colunas<Coluna> | undefined

  const linhaPronta = (linha: number, pedido: Pedido): LinhaPronta<Pedido> | undefined => {
    if (referenciaDe(pedido) !== undefined) return { linha, pedido, chave: undefined }
    const impressao = impressaoDe(pedido)
    const ordinal = ordinais.proximo(impressao)
    if (ordinal !== undefined) return { linha, pedido, chave: chaveDaLinha(impressao, ordinal) }
    const motivo = `Há mais de ${conteudosMax} linhas diferentes sem referencia: divida o arquivo por período.`
    relatorio.recusado([{ linha, coluna: 'referencia', motivo }])
    return undefined
  }

  const decidirUm = (registro: RegistroCsv): LinhaPronta<Pedido> | undefined => {
    // Nothing but separators: a row of the spreadsheet that is empty, or once had something in it.
    if ('campos' in registro && vazios(registro.campos)) return undefined
    if (colunas === undefined) {
      if ('motivo' in registro)
        throw new DomainError('arquivo-nao-e-csv', `O cabeçalho não pôde ser lido. ${registro.motivo}`)
      if (!ehAvisoDeSeparador(registro.campos)) colunas = lerCabecalho(registro.campos, formato)
      return undefined
    }
    const { linha } = registro
    const lido =
      'motivo' in registro
        ? { erros: [{ linha, coluna: null, motivo: registro.motivo }] }
        : lerRegistro(registro, colunas, lerLinha)
    if ('pedido' in lido) return linhaPronta(linha, lido.pedido)
    relatorio.recusado(lido.erros)
    return undefined
  }

  return {
    decidir: (registros) => registros.flatMap((registro) => decidirUm(registro) ?? []),
    anotar: ({ linha }, destino) => {
      if (destino === 'criado') relatorio.criado()
      else if (destino === 'repetido') relatorio.repetido()
      else relatorio.recusado([{ linha, coluna: 'referencia', motivo: destino.recusado }])
    },
    concluir: () => {
      if (colunas === undefined) throw new DomainError('arquivo-vazio', 'O arquivo está vazio.')
      const fim = relatorio.ler()
      if (fim.linhas === 0) throw new DomainError('arquivo-vazio', `O arquivo só tem o cabeçalho, ${oQue}.`)
      return fim
    },
  }
}

/** `sep=;`, with which Excel is told the separator, may stand before the header. */
const ehAvisoDeSeparador = ([primeiro = '', ...resto]: readonly string[]): boolean =>
  /^sep=,?$/i.test(primeiro.trim()) && vazios(resto)

/** The key of a line without `referencia`. base64url instead of hex: 10 bytes less in every row and index entry. */
const chaveDaLinha = (impressao: string, ordinal: number): string =>
  `csv:${Buffer.from(impressao, 'hex').toString('base64url')}:${ordinal}`
