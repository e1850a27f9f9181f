import type { SignedLancamento } from '../projetar/projetar.ts'

/** One day as far as it was read. Amounts are cents. */
export type DayTotal = {
  comercianteId: string
  data: string
  creditos: bigint
  debitos: bigint
  quantidade: number
}

type DayTotals = {
  add(lancamento: SignedLancamento): void
  size(): number
  /** Gives the days in the order of their key and forgets them. */
  take(): DayTotal[]
}

const byKey = (a: DayTotal, b: DayTotal): number => {
  if (a.comercianteId !== b.comercianteId) return a.comercianteId < b.comercianteId ? -1 : 1
  return a.data < b.data ? -1 : 1
}

/** Adds entries up by merchant and day, in memory: a rebuild writes a day once per flush and not once per entry. */
export function createDayTotals(): DayTotals {
  let days = new Map<string, DayTotal>()
  return {
    add: ({ comercianteId, data, valor }) => {
      // The day first: it has a fixed length, so the two can be told apart.
      const chave = data + comercianteId
      let day = days.get(chave)
      if (day === undefined) {
        day = { comercianteId, data, creditos: 0n, debitos: 0n, quantidade: 0 }
        days.set(chave, day)
      }
      if (valor > 0n) day.creditos += valor
      else day.debitos -= valor
      day.quantidade += 1
    },
    size: () => days.size,
    take: () => {
      const taken = [...days.values()].sort(byKey)
      days = new Map()
      return taken
    },
  }
}
