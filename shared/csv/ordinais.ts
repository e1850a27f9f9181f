/** Says how many times each content was seen, itself included: 1 for the first. `undefined` when the table is full. */
type Ordinais = { proximo: (impressao: string) => number | undefined }

/** Slots at the beginning; a power of two, as are all later sizes. */
const CAPACIDADE_INICIAL = 1 << 12
/** Filled beyond this share, linear probing begins to walk. */
const OCUPACAO_MAX = 0.75

/**
 * Different contents of one file at most: 1.5 million. At that size the table has 2^21 slots, 25 MB, and four imports at once keep
 * 100 MB. Only lines without `referencia` count.
 */
export const CONTEUDOS_MAX = Math.floor((1 << 21) * OCUPACAO_MAX)

/**
 * Counts the occurrences of each content within one file.
 *
 * Open addressing over typed arrays: 64 bits of the content's fingerprint and a 32-bit count, 12 bytes a slot, 16 to 32
 * bytes per different content (a `Map` of strings takes about 150). Two contents that share 64 bits (for a
 * million lines: once in 37 million files) would count together; each still has its own full fingerprint in its key, so
 * even then nothing is taken for a repetition that is none.
 */
export function createOrdinais(conteudosMax: number = CONTEUDOS_MAX): Ordinais {
  let alto = new Uint32Array(CAPACIDADE_INICIAL)
  let baixo = new Uint32Array(CAPACIDADE_INICIAL)
  let vezes = new Uint32Array(CAPACIDADE_INICIAL)
  let ocupados = 0

  /** The slot of this content, or the free one where it belongs. */
  const casa = (a: number, b: number): number => {
    const mascara = vezes.length - 1
    let i = b & mascara
    while (vezes[i] !== 0 && !(alto[i] === a && baixo[i] === b)) i = (i + 1) & mascara
    return i
  }

  const dobrar = (): void => {
    const [altoDeAntes, baixoDeAntes, vezesDeAntes] = [alto, baixo, vezes]
    alto = new Uint32Array(vezesDeAntes.length * 2)
    baixo = new Uint32Array(vezesDeAntes.length * 2)
    vezes = new Uint32Array(vezesDeAntes.length * 2)
    vezesDeAntes.forEach((n, i) => {
      if (n > 0) gravar(altoDeAntes[i] ?? 0, baixoDeAntes[i] ?? 0, n)
    })
  }

  const gravar = (a: number, b: number, n: number): void => {
    const i = casa(a, b)
    alto[i] = a
    baixo[i] = b
    vezes[i] = n
  }

  return {
    proximo: (impressao) => {
      const a = Number.parseInt(impressao.slice(0, 8), 16)
      const b = Number.parseInt(impressao.slice(8, 16), 16)
      const vistas = vezes[casa(a, b)] ?? 0
      if (vistas === 0) {
        if (ocupados >= conteudosMax) return undefined
        ocupados += 1
        if (ocupados > vezes.length * OCUPACAO_MAX) dobrar()
      }
      gravar(a, b, vistas + 1)
      return vistas + 1
    },
  }
}
