/** Positions from `de` to `ate`, both included. */
export type Run = { de: number; ate: number }

/** The contiguous runs of ascending positions: `[1, 2, 3, 7]` → `[{ de: 1, ate: 3 }, { de: 7, ate: 7 }]`. */
export function runsOf(posicoes: readonly number[]): Run[] {
  const runs: Run[] = []
  let current: Run | undefined
  for (const posicao of posicoes) {
    if (current !== undefined && posicao === current.ate + 1) current.ate = posicao
    else {
      current = { de: posicao, ate: posicao }
      runs.push(current)
    }
  }
  return runs
}

/** Runs as the text of an `int8multirange`. */
export function multirangeLiteral(runs: readonly Run[]): string {
  return `{${runs.map(({ de, ate }) => `[${de},${ate + 1})`).join(',')}}`
}

const RANGE = /\[(\d+),(\d+)\)/g

/** The runs of an `int8multirange` as PostgreSQL prints it (canonical: bounds `[)`, ascending). */
export function parseMultirange(text: string): Run[] {
  return [...text.matchAll(RANGE)].map(([, de, fim]) => ({ de: Number(de), ate: Number(fim) - 1 }))
}

/** What is missing between `aplicadaAte` and the last of `adiante`, ascending. */
export function holesOf(aplicadaAte: number, adiante: readonly Run[]): Run[] {
  const holes: Run[] = []
  let next = aplicadaAte + 1
  for (const { de, ate } of adiante) {
    if (de > next) holes.push({ de: next, ate: de - 1 })
    next = ate + 1
  }
  return holes
}
