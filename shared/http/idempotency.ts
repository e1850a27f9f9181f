import { z } from '@hono/zod-openapi'
import { DomainError } from '../errors.ts'

/** 1 to 255 printable ASCII characters. */
const KEY = /^[\x20-\x7e]{1,255}$/
/** RFC 8941 string: inside quotes, only `\"` and `\\` are escapes. */
const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/

/**
 * The key of an `Idempotency-Key` header: an RFC 8941 quoted string (unescaped) or bare text; `"a"` and `a` are one key.
 *
 * Returns `undefined` without a header. Throws `DomainError('cabecalho-invalido')` where it is not a key.
 */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const quoted = text.startsWith('"')
  const key = quoted ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text
  if ((quoted && !QUOTED.test(text)) || !KEY.test(key)) {
    throw new DomainError(
      'cabecalho-invalido',
      'O cabeçalho Idempotency-Key deve ter de 1 a 255 caracteres ASCII imprimíveis.',
    )
  }
  return key
}

/** The header by which a write can be repeated safely, for its documentation. */
export const IdempotencyKeyHeader = z.object({
  'Idempotency-Key': z.string().max(255).optional().openapi({
    description:
      'De 1 a 255 caracteres ASCII imprimíveis. A mesma chave com o mesmo conteúdo repete a resposta, para sempre.',
    example: 'pedido-4711',
  }),
})
