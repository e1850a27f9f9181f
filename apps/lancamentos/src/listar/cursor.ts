import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { cursorInvalido, type Ponto } from './listar.ts'

/** Bytes kept of the HMAC-SHA-256: 128 bits cannot be guessed, and the cursor stays short. */
const ASSINATURA_BYTES = 16
const CHAVE_BYTES = 32

/** `escopo` is what the cursor is valid for: it is signed with it and has to be the same when it comes back. */
export type Cursor = {
  escrever: (ponto: Ponto, escopo: string) => string
  /** Throws `cursor-invalido` (400) for anything that `escrever` did not make for this `escopo`. */
  ler: (texto: string, escopo: string) => Ponto
}

/** `data` and `posicao`, as `escrever` joined them. */
const PONTO = /^(\d{4}-\d{2}-\d{2})\|(\d{1,16})$/
/** A cursor has 58 characters or less; longer texts are not even decoded. */
const CURSOR_CARACTERES_MAX = 100

/**
 * Opaque cursors: base64url of the point and its signature. Signed so that nobody builds on what is inside, and so that
 * a cursor of one merchant or filter does nothing for another. The key is derived (HKDF), so the same secret can serve
 * other purposes; it is the same in every instance and after a restart.
 */
export function createCursor(segredo: string): Cursor {
  const chave = Buffer.from(hkdfSync('sha256', segredo, '', 'fluxo cursor de lancamentos v1', CHAVE_BYTES))
  const assinar = (ponto: string, escopo: string): Buffer =>
    createHmac('sha256', chave).update(`${ponto}\n${escopo}`).digest().subarray(0, ASSINATURA_BYTES)

  return {
    escrever: ({ data, posicao }, escopo) => {
      const ponto = `${data}|${posicao}`
      return Buffer.concat([assinar(ponto, escopo), Buffer.from(ponto)]).toString('base64url')
    },
    ler: (texto, escopo) => {
      if (texto.length > CURSOR_CARACTERES_MAX) throw cursorInvalido()
      const bytes = Buffer.from(texto, 'base64url')
      const ponto = bytes.subarray(ASSINATURA_BYTES).toString()
      const [, data, posicao] = PONTO.exec(ponto) ?? []
      if (data === undefined || posicao === undefined) throw cursorInvalido()
      if (!timingSafeEqual(bytes.subarray(0, ASSINATURA_BYTES), assinar(ponto, escopo))) throw cursorInvalido()
      return { data, posicao: Number(posicao) }
    },
  }
}
