import type { Lancado } from '../projetar/efeito.ts'

/** One day as far as it was read. Amounts are cents. */
export type DiaAgregado = {
  comercianteId: string
  data: string
  creditos: bigint
  debitos: bigint
  quantidade: number
}

type Agregado = {
  add(lancado: Lancado): void
  size(): number
  /** Gives the days in the order of their key and forgets them. */
  take(): DiaAgregado[]
}

const porChave = (a: DiaAgregado, b: DiaAgregado): number => {
  if (a.comercianteId !== b.comercianteId) return a.comercianteId < b.comercianteId ? -1 : 1
  return a.data < b.data ? -1 : 1
}

/** Adds entries up by merchant and day, in memory: a rebuild writes a day once per flush and not once per entry. */
export function createAgregado(): Agregado {
  let dias = new Map<string, DiaAgregado>()
  return {
    add: ({ comercianteId, data, valor }) => {
      // The day first: it has a fixed length, so the two can be told apart.
      const chave = data + comercianteId
      let dia = dias.get(chave)
      if (dia === undefined) {
        dia = { comercianteId, data, creditos: 0n, debitos: 0n, quantidade: 0 }
        dias.set(chave, dia)
      }
      if (valor > 0n) dia.creditos += valor
      else dia.debitos -= valor
      dia.quantidade += 1
    },
    size: () => dias.size,
    take: () => {
      const taken = [...dias.values()].sort(porChave)
      dias = new Map()
      return taken
    },
  }
}
