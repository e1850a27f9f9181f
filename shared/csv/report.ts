import type { LineError } from './row.ts'

/** What the merchant is told at the end: `linhas` is the sum of the other three. */
export type ImportReport = {
  linhas: number
  criados: number
  repetidos: number
  recusados: number
  /** The first ones by line. */
  erros: LineError[]
}

/** Errors that an answer lists; `recusados` counts them all. */
export const ERRORS_MAX = 100

/** Gathers a report in constant memory. Outcomes come out of order, since batches overlap. */
export function createReport() {
  let errors: LineError[] = []
  const total = { linhas: 0, criados: 0, repetidos: 0, recusados: 0 }

  const firstOnes = (): LineError[] => errors.sort((a, b) => a.linha - b.linha).slice(0, ERRORS_MAX)

  return {
    created: (): void => {
      total.linhas += 1
      total.criados += 1
    },
    repeated: (): void => {
      total.linhas += 1
      total.repetidos += 1
    },
    /** One line that is refused, for one or more reasons. */
    recusado: (reasons: readonly LineError[]): void => {
      total.linhas += 1
      total.recusados += 1
      errors.push(...reasons)
      if (errors.length >= ERRORS_MAX * 4) errors = firstOnes()
    },
    read: (): ImportReport => ({ ...total, erros: firstOnes() }),
  }
}
