import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { DomainError } from '../errors.ts'

/** Bytes kept of the HMAC-SHA-256: 128 bits cannot be guessed, and the cursor stays short. */
const ASSINATURA_BYTES = 16
const CHAVE_BYTES = 32

/** `escopo` is what the cursor is valid for: it is signed with it and has to be the same when it comes back. */
export type Cursor = {
  /** Makes a cursor of the point in a list after which the next page begins; `ponto` has no line break. */
  escrever: (ponto: string, escopo: string) => string
  /** Gives the point back. Throws `cursor-invalido` (400) for anything that `escrever` did not make for this `escopo`. */
  ler: (texto: string, escopo: string) => string
}

/** Points are short (a day, a time, an id); longer texts are not even decoded. */
const CURSOR_CARACTERES_MAX = 140

/**
 * Opaque cursors: base64url of the point and its signature. Signed so that nobody builds on what is inside, and so that
 * a cursor of one merchant or filter does nothing for another. The key is derived (HKDF) for `uso`, the list, so the same
 * secret can serve other purposes; it is the same in every instance and after a restart.
 */
export function createCursor({ segredo, uso }: { segredo: string; uso: string }): Cursor {
  const chave = Buffer.from(hkdfSync('sha256', segredo, '', `fluxo cursor de ${uso} v1`, CHAVE_BYTES))
  const assinar = (ponto: string, escopo: string): Buffer =>
    createHmac('sha256', chave).update(`${ponto}\n${escopo}`).digest().subarray(0, ASSINATURA_BYTES)

  return {
    escrever: (ponto, escopo) => Buffer.concat([assinar(ponto, escopo), Buffer.from(ponto)]).toString('base64url'),
    ler: (texto, escopo) => {
      if (texto.length > CURSOR_CARACTERES_MAX) throw cursorInvalido()
      const bytes = Buffer.from(texto, 'base64url')
      if (bytes.length <= ASSINATURA_BYTES) throw cursorInvalido()
      const ponto = bytes.subarray(ASSINATURA_BYTES).toString()
      if (!timingSafeEqual(bytes.subarray(0, ASSINATURA_BYTES), assinar(ponto, escopo))) throw cursorInvalido()
      return ponto
    },
  }
}

/** The refusal of a cursor that we did not make, or made for another merchant or other filters. */
const cursorInvalido = (): DomainError =>
  new DomainError('cursor-invalido', 'O cursor não vale para esta consulta. Comece de novo, sem cursor.')

/** The query parameter that goes on with a list. */
export const CursorSchema = z.string().optional().openapi({
  description: 'O proximo da página anterior, com os mesmos filtros.',
  example: 'eyJkIjoiMjAyNS0xMC0xNSJ9.Zm9v',
})

/** Where a page of a list says how to go on. */
export const ProximoSchema = z
  .string()
  .nullable()
  .openapi({ description: 'O cursor da próxima página; nulo na última.' })
