import { hash } from 'node:crypto'
import type { NovoLancamento } from './lancamento.ts'

/** Hex digits kept of the SHA-256: 128 bits, far beyond any accident, in half the space of every ledger row. */
const HEX_DIGITS = 32

/** What an entry says, without who says it, its id or when: two requests are "the same content" exactly if this is equal. */
type LancamentoContent = Pick<NovoLancamento, 'tipo' | 'valor' | 'data' | 'descricao' | 'referencia'> & {
  estorna?: string | undefined
}

/**
 * The content as one text that no other content has: free texts carry their length, so that moving a character from one
 * field to its neighbour always changes it, and an absent `referencia` differs from every present one.
 */
export function canonicalContent({ tipo, valor, data, descricao, referencia, estorna }: LancamentoContent): string {
  const ref = referencia === undefined ? '-' : `${referencia.length}:${referencia}`
  return `${tipo}|${valor}|${data}|${descricao.length}:${descricao}|${ref}|${estorna ?? '-'}`
}

/** Fingerprint of the content, 16 bytes as 32 hex digits. Equal content, equal fingerprint, in every version to come. */
export const impressaoOf = (content: LancamentoContent): string =>
  hash('sha256', canonicalContent(content), 'hex').slice(0, HEX_DIGITS)
