import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'

/** Bytes kept of the HMAC-SHA-256: 128 bits cannot be guessed, and the cursor stays short. */
const SIGNATURE_BYTES = 16
const KEY_BYTES = 32

/** `scope` is what the cursor is valid for: it is signed with it and has to be the same when it comes back. */
export type CursorSigner = {
  /** Makes a cursor of the point in a list after which the next page begins; `point` has no line break. */
  write: (point: string, scope: string) => string
  /** Gives the point back. Throws `cursor-invalido` (400) for anything that `write` did not make for this `scope`. */
  read: (text: string, scope: string) => string
}

/** Points are short (a day, a time, an id); longer texts are not even decoded. */
const CURSOR_CHARACTERS_MAX = 140

/**
 * Opaque cursors: base64url of the point and its signature. Signed so that nobody builds on what is inside, and so that
 * a cursor of one merchant or filter does nothing for another. The key is derived (HKDF) for `purpose`, the list, so the same
 * secret can serve other purposes; it is the same in every instance and after a restart.
 *
 * @example
 * const cursor = createCursor({ secret, purpose: 'pedidos' })
 * const text = cursor.write('2025-10-15,7', 'loja-1')
 * cursor.read(text, 'loja-1') // '2025-10-15,7'
 * cursor.read(text, 'loja-2') // throws cursor-invalido
 */
export function createCursor({ secret, purpose }: { secret: string; purpose: string }): CursorSigner {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `fluxo cursor de ${purpose} v1`, KEY_BYTES))
  const sign = (point: string, scope: string): Buffer =>
    createHmac('sha256', key).update(`${point}\n${scope}`).digest().subarray(0, SIGNATURE_BYTES)

  return {
    write: (point, scope) => Buffer.concat([sign(point, scope), Buffer.from(point)]).toString('base64url'),
    read: (text, scope) => {
      if (text.length > CURSOR_CHARACTERS_MAX) throw invalidCursor()
      const bytes = Buffer.from(text, 'base64url')
      if (bytes.length <= SIGNATURE_BYTES) throw invalidCursor()
      const point = bytes.subarray(SIGNATURE_BYTES).toString()
      if (!timingSafeEqual(bytes.subarray(0, SIGNATURE_BYTES), sign(point, scope))) throw invalidCursor()
      return point
    },
  }
}

/** The refusal of a cursor that we did not make, or made for another merchant or other filters. */
const invalidCursor = (): DomainError =>
  new DomainError('cursor-invalido', 'O cursor não vale para esta consulta. Comece de novo, sem cursor.')

/** The query parameter that goes on with a list. */
export const CursorSchema = z.string().optional().openapi({
  description: 'O proximo da página anterior, com os mesmos filtros.',
  example: 'eyJkIjoiMjAyNS0xMC0xNSJ9.Zm9v',
})
