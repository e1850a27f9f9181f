import { isAscii, isUtf8 } from 'node:buffer'

/** The encodings that an import reads. Latin-1 is read as its superset windows-1252, which is what spreadsheets write. */
export type Encoding = 'utf-8' | 'windows-1252'

/** Turns the bytes of a file into text, piece by piece. */
type Decoder = { decode: (bytes: Buffer) => string; end: () => string }

/**
 * Decodes UTF-8 or Latin-1, told apart by **the first character outside ASCII**: where its bytes are well-formed UTF-8
 * the file is UTF-8, else it is Latin-1, to its end.
 *
 * Up to that character both say the same, so nothing was decoded wrongly before. An accented letter of Latin-1 is
 * followed by a plain one in nearly every word, which UTF-8 never allows. In a file found to be UTF-8, a broken byte
 * becomes U+FFFD, which `row.ts` refuses: that line is reported, not guessed. `declared`, the charset of
 * `Content-Type`, settles it without looking. A byte order mark is dropped.
 */
export function createDecoder(declared?: Encoding): Decoder {
  let decoder = declared && new TextDecoder(declared, { ignoreBOM: true })
  let pending: Buffer = Buffer.alloc(0)
  let start = true

  const withoutBom = (text: string): string => {
    if (!start || text.length === 0) return text
    start = false
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }

  const detect = (bytes: Buffer, end: boolean): string => {
    const all = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
    pending = Buffer.alloc(0)
    if (isAscii(all)) return all.toString('latin1')
    const first = all.findIndex((byte) => byte > 0x7f)
    const verdict = utf8At(all, first)
    if (verdict === 'cut-off' && !end) {
      pending = Buffer.from(all.subarray(first))
      return all.toString('latin1', 0, first)
    }
    decoder = new TextDecoder(verdict === 'yes' ? 'utf-8' : 'windows-1252', { ignoreBOM: true })
    return decoder.decode(all, { stream: true })
  }

  return {
    decode: (bytes) => withoutBom(decoder ? decoder.decode(bytes, { stream: true }) : detect(bytes, false)),
    end: () => withoutBom((decoder ? '' : detect(Buffer.alloc(0), true)) + (decoder ? decoder.decode() : '')),
  }
}

/** Bytes of a UTF-8 sequence by its first byte; 0 where no sequence begins so. */
const sequenceSize = (first: number): number => {
  if (first >= 0xc2 && first <= 0xdf) return 2
  if (first >= 0xe0 && first <= 0xef) return 3
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0
}

/** Whether a well-formed UTF-8 sequence stands at `i`; `cut-off` where the bytes so far could still become one. */
function utf8At(bytes: Buffer, i: number): 'yes' | 'no' | 'cut-off' {
  const size = sequenceSize(bytes[i] ?? 0)
  if (size === 0) return 'no'
  const sequence = bytes.subarray(i, i + size)
  if (sequence.length === size) return isUtf8(sequence) ? 'yes' : 'no'
  return sequence.subarray(1).every((byte) => (byte & 0xc0) === 0x80) ? 'cut-off' : 'no'
}

const CHARSETS: Readonly<Record<string, Encoding>> = {
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
export const encodingOfCharset = (charset: string): Encoding | undefined => CHARSETS[charset.toLowerCase()]
