import { isAscii, isUtf8 } from 'node:buffer'

/** The encodings that an import reads. Latin-1 is read as its superset windows-1252, which is what spreadsheets write. */
export type Codificacao = 'utf-8' | 'windows-1252'

/** Turns the bytes of a file into text, piece by piece. */
type Decodificador = { decodificar: (bytes: Buffer) => string; fim: () => string }

/**
 * Decodes UTF-8 or Latin-1, told apart by **the first character outside ASCII**: where its bytes are well-formed UTF-8
 * the file is UTF-8, else it is Latin-1, to its end.
 *
 * Up to that character both say the same, so nothing was decoded wrongly before. An accented letter of Latin-1 is
 * followed by a plain one in nearly every word, which UTF-8 never allows. In a file found to be UTF-8, a broken byte
 * becomes U+FFFD, which `linha.ts` refuses: that line is reported, not guessed. `declarada`, the charset of
 * `Content-Type`, settles it without looking. A byte order mark is dropped.
 */
export function createDecodificador(declarada?: Codificacao): Decodificador {
  let decoder = declarada && new TextDecoder(declarada, { ignoreBOM: true })
  let pendente: Buffer = Buffer.alloc(0)
  let inicio = true

  const semBom = (texto: string): string => {
    if (!inicio || texto.length === 0) return texto
    inicio = false
    return texto.charCodeAt(0) === 0xfeff ? texto.slice(1) : texto
  }

  const detectar = (bytes: Buffer, fim: boolean): string => {
    const todos = pendente.length === 0 ? bytes : Buffer.concat([pendente, bytes])
    pendente = Buffer.alloc(0)
    if (isAscii(todos)) return todos.toString('latin1')
    const primeiro = todos.findIndex((byte) => byte > 0x7f)
    const decisao = utf8Em(todos, primeiro)
    if (decisao === 'falta' && !fim) {
      pendente = Buffer.from(todos.subarray(primeiro))
      return todos.toString('latin1', 0, primeiro)
    }
    decoder = new TextDecoder(decisao === 'sim' ? 'utf-8' : 'windows-1252', { ignoreBOM: true })
    return decoder.decode(todos, { stream: true })
  }

  return {
    decodificar: (bytes) => semBom(decoder ? decoder.decode(bytes, { stream: true }) : detectar(bytes, false)),
    fim: () => semBom((decoder ? '' : detectar(Buffer.alloc(0), true)) + (decoder ? decoder.decode() : '')),
  }
}

/** Bytes of a UTF-8 sequence by its first byte; 0 where no sequence begins so. */
const tamanhoDaSequencia = (primeiro: number): number => {
  if (primeiro >= 0xc2 && primeiro <= 0xdf) return 2
  if (primeiro >= 0xe0 && primeiro <= 0xef) return 3
  return primeiro >= 0xf0 && primeiro <= 0xf4 ? 4 : 0
}

/** Whether a well-formed UTF-8 sequence stands at `i`; `falta` where the bytes so far could still become one. */
function utf8Em(bytes: Buffer, i: number): 'sim' | 'nao' | 'falta' {
  const tamanho = tamanhoDaSequencia(bytes[i] ?? 0)
  if (tamanho === 0) return 'nao'
  const sequencia = bytes.subarray(i, i + tamanho)
  if (sequencia.length === tamanho) return isUtf8(sequencia) ? 'sim' : 'nao'
  return sequencia.subarray(1).every((byte) => (byte & 0xc0) === 0x80) ? 'falta' : 'nao'
}

const CHARSETS: Readonly<Record<string, Codificacao>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  'iso-8859-1': 'windows-1252',
  'latin-1': 'windows-1252',
  latin1: 'windows-1252',
  'windows-1252': 'windows-1252',
  cp1252: 'windows-1252',
}

/** The encoding of a `charset` parameter; `undefined` for one that is not read. */
export const codificacaoDeCharset = (charset: string): Codificacao | undefined => CHARSETS[charset.toLowerCase()]
