import { DomainError, invariant } from '@fluxo/shared/errors'
import { impressaoDe } from '../domain/impressao.ts'
import type { Pedido } from '../domain/lancamento.ts'
import { aceito, type Registro } from '../registrar/registro.ts'
import { type Colunas, lerCabecalho } from './cabecalho.ts'
import type { RegistroCsv } from './csv.ts'
import { lerLinha } from './linha.ts'
import { CONTEUDOS_MAX, createOrdinais } from './ordinais.ts'
import { createRelatorio, type Relatorio } from './relatorio.ts'

/** A line that is an entry to be, with the key under which it is known again when the file is sent again. */
export type LinhaPronta = { linha: number; pedido: Pedido; chave: string | undefined }

export type Importacao = {
  /** Reads records in the order of the file and gives the lines to be registered; the others are refused and reported. */
  decidir: (registros: readonly RegistroCsv[]) => LinhaPronta[]
  /** Takes down what became of one line. */
  anotar: (linha: LinhaPronta, registro: Registro) => void
  /** The report. Throws where the file held no line at all. */
  concluir: () => Relatorio
}

/**
 * Decides what a file means.
 *
 * Sending a file again must create nothing twice, also after a broken upload or with one line corrected, while two equal
 * lines in one file are two entries. So a line with `referencia` is known by it (the ledger's rule); one without, by its
 * content and by **how many equal lines stand before it in this file**: the second coffee of a day is still the second
 * coffee in tomorrow's upload. It follows that the same line in two different files is one entry, too.
 */
export function createImportacao({ conteudosMax = CONTEUDOS_MAX }: { conteudosMax?: number } = {}): Importacao {
  const relatorio = createRelatorio()
  const ordinais = createOrdinais(conteudosMax)
  let colunas: Colunas | undefined

  const linhaPronta = (linha: number, pedido: Pedido): LinhaPronta | undefined => {
    if (pedido.referencia !== undefined) return { linha, pedido, chave: undefined }
    const impressao = impressaoDe(pedido)
    const ordinal = ordinais.proximo(impressao)
    if (ordinal !== undefined) return { linha, pedido, chave: chaveDaLinha(impressao, ordinal) }
    const motivo = `Há mais de ${conteudosMax} linhas diferentes sem referencia: divida o arquivo por período.`
    relatorio.recusado([{ linha, coluna: 'referencia', motivo }])
    return undefined
  }

  const decidirUm = (registro: RegistroCsv): LinhaPronta | undefined => {
    if (colunas === undefined) {
      if ('motivo' in registro)
        throw new DomainError('arquivo-nao-e-csv', `O cabeçalho não pôde ser lido. ${registro.motivo}`)
      colunas = lerCabecalho(registro.campos)
      return undefined
    }
    const { linha } = registro
    const lido =
      'motivo' in registro
        ? [{ linha, coluna: null, motivo: registro.motivo }]
        : lerLinha(linha, registro.campos, colunas)
    if (!Array.isArray(lido)) return linhaPronta(linha, lido)
    relatorio.recusado(lido)
    return undefined
  }

  return {
    decidir: (registros) => registros.flatMap((registro) => decidirUm(registro) ?? []),
    anotar: ({ linha }, registro) => {
      if (registro.desfecho === 'criado') relatorio.criado()
      else if (aceito(registro)) relatorio.repetido()
      else relatorio.recusado([{ linha, coluna: 'referencia', motivo: motivoDe(registro) }])
    },
    concluir: () => {
      if (colunas === undefined) throw new DomainError('arquivo-vazio', 'O arquivo está vazio.')
      const fim = relatorio.ler()
      if (fim.linhas === 0) throw new DomainError('arquivo-vazio', 'O arquivo só tem o cabeçalho, nenhum lançamento.')
      return fim
    },
  }
}

/** The key of a line without `referencia`. base64url instead of hex: 10 bytes less in every row and index entry. */
const chaveDaLinha = (impressao: string, ordinal: number): string =>
  `csv:${Buffer.from(impressao, 'hex').toString('base64url')}:${ordinal}`

function motivoDe(registro: Registro): string {
  if (registro.desfecho === 'conflito-de-referencia') {
    return `Já existe um lançamento com esta referência e outro conteúdo: ${registro.lancamento.id}.`
  }
  // Only a merchant who sends our own `csv:…` keys as Idempotency-Key gets here.
  invariant(registro.desfecho === 'conflito-de-chave', 'an imported line reverses nothing')
  return `A chave desta linha já registrou outro lançamento: ${registro.lancamento.id}. Dê uma referencia à linha.`
}
