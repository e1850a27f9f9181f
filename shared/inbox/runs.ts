/** Positions from `from` to `to`, both included. */
export type Run = { from: number; to: number }

/** The contiguous runs of ascending positions: `[1, 2, 3, 7]` → `[{ from: 1, to: 3 }, { from: 7, to: 7 }]`. */
export function runsOf(posicoes: readonly number[]): Run[] {
  const runs: Run[] = []
  let current: Run | undefined
  for (const posicao of posicoes) {
    if (current !== undefined && posicao === current.to + 1) current.to = posicao
    else {
      current = { from: posicao, to: posicao }
      runs.push(current)
    }
  }
  return runs
}

/** Runs as the text of an `int8multirange`. */
export function multirangeLiteral(runs: readonly Run[]): string {
  return `{${runs.map(({ from, to }) => `[${from},${to + 1})`).join(',')}}`
}

const RANGE = /\[(\d+),(\d+)\)/g

/** The runs of an `int8multirange` as PostgreSQL prints it (canonical: bounds `[)`, ascending). */
export function parseMultirange(text: string): Run[] {
  return [...text.matchAll(RANGE)].map(([, from, end]) => ({ from: Number(from), to: Number(end) - 1 }))
}

/** What is missing between `aplicadaAte` and the last of `beyond`, ascending. */
export function holesOf(aplicadaAte: number, beyond: readonly Run[]): Run[] {
  const holes: Run[] = []
  let next = aplicadaAte + 1
  for (const { from, to } of beyond) {
    if (from > next) holes.push({ from: next, to: from - 1 })
    next = to + 1
  }
  return holes
}
