import type { ErroDeLinha } from './linha.ts'

/** What the merchant is told at the end: `linhas` is the sum of the other three. */
export type Relatorio = {
  linhas: number
  criados: number
  repetidos: number
  recusados: number
  /** The first ones by line. */
  erros: ErroDeLinha[]
}

/** Errors that an answer lists; `recusados` counts them all (API.md). */
export const ERROS_MAX = 100

/** Gathers a report in constant memory. Outcomes come out of order, since batches overlap. */
export function createRelatorio() {
  let erros: ErroDeLinha[] = []
  const total = { linhas: 0, criados: 0, repetidos: 0, recusados: 0 }

  const primeiros = (): ErroDeLinha[] => erros.sort((a, b) => a.linha - b.linha).slice(0, ERROS_MAX)

  return {
    criado: (): void => {
      total.linhas += 1
      total.criados += 1
    },
    repetido: (): void => {
      total.linhas += 1
      total.repetidos += 1
    },
    /** One line that is refused, for one or more reasons. */
    recusado: (motivos: readonly ErroDeLinha[]): void => {
      total.linhas += 1
      total.recusados += 1
      erros.push(...motivos)
      if (erros.length >= ERROS_MAX * 4) erros = primeiros()
    },
    ler: (): Relatorio => ({ ...total, erros: primeiros() }),
  }
}
