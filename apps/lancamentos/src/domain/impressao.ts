import { hash } from 'node:crypto'
import type { Pedido } from './lancamento.ts'

/** Hex digits kept of the SHA-256: 128 bits, far beyond any accident, in half the space of every ledger row. */
const HEX_DIGITS = 32

/** What an entry says, without who says it, its id or when: two requests are "the same content" exactly if this is equal. */
type Conteudo = Pick<Pedido, 'tipo' | 'valor' | 'data' | 'descricao' | 'referencia'> & {
  estorna?: string | undefined
}

/**
 * The content as one text that no other content has: free texts carry their length, so that moving a character from one
 * field to its neighbour always changes it, and an absent `referencia` differs from every present one.
 */
export function conteudoCanonico({ tipo, valor, data, descricao, referencia, estorna }: Conteudo): string {
  const ref = referencia === undefined ? '-' : `${referencia.length}:${referencia}`
  return `${tipo}|${valor}|${data}|${descricao.length}:${descricao}|${ref}|${estorna ?? '-'}`
}

/** Fingerprint of the content, 16 bytes as 32 hex digits. Equal content, equal fingerprint, in every version to come. */
export const impressaoDe = (conteudo: Conteudo): string =>
  hash('sha256', conteudoCanonico(conteudo), 'hex').slice(0, HEX_DIGITS)
