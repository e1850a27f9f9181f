import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { DomainError, ValidationError } from '../errors.ts'

/** The pieces of a body as they arrive; the sender waits while one is being worked on. */
export type Trechos = AsyncIterable<Uint8Array>

/** Form field that carries the file. */
const CAMPO_DO_ARQUIVO = 'arquivo'

/** Other fields of the form are ignored; these bounds keep them from costing anything. */
const LIMITES = { fields: 20, fieldSize: 1_024, headerPairs: 50, parts: 25 } as const

const interrompida = () => new DomainError('requisicao-interrompida', 'O arquivo não chegou inteiro. Envie-o de novo.')

type Ritmo = {
  /** A sender may be silent for so long, once or in all. */
  esperaMs: number
  /** What arrives makes up for silence, as much as this rate would have needed for it. */
  bytesPorSegundo: number
}

/**
 * Passes a body on, and gives up on a sender that is silent, or slower than `ritmo` asks, for too long (408). The time that we take to
 * work on a piece does not count, and there is no limit on the whole. A connection that breaks is `requisicao-interrompida`.
 */
export async function* comRitmo(corpo: Trechos, ritmo: Ritmo): AsyncGenerator<Uint8Array> {
  const { esperaMs, bytesPorSegundo } = ritmo
  const trechos = corpo[Symbol.asyncIterator]()
  let restaMs = esperaMs
  let desistiu = false
  try {
    for (;;) {
      const leitura = Promise.withResolvers<IteratorResult<Uint8Array>>()
      const desde = performance.now()
      const relogio = setTimeout(() => {
        desistiu = true
        leitura.reject(lento(ritmo))
      }, restaMs)
      trechos.next().then(leitura.resolve, () => leitura.reject(interrompida()))
      const { done, value } = await leitura.promise.finally(() => clearTimeout(relogio))
      if (done) return
      const pagoMs = (value.byteLength / bytesPorSegundo) * 1_000
      restaMs = Math.min(esperaMs, Math.max(0, restaMs - (performance.now() - desde)) + pagoMs)
      yield value
    }
  } finally {
    // While a piece is awaited, `return` would wait behind it for ever.
    if (!desistiu) await trechos.return?.()
  }
}

const lento = ({ esperaMs, bytesPorSegundo }: Ritmo) =>
  new DomainError(
    'corpo-lento',
    `O arquivo parou de chegar por ${esperaMs / 1_000} s, ou chega a menos de ${bytesPorSegundo} bytes por segundo.`,
  )

const erroDeArquivo = (mensagem: string) => new ValidationError([{ campo: CAMPO_DO_ARQUIVO, mensagem }])

/** The parser of a form; 400 where the header does not say how its parts are separated. */
function criarBusboy(contentType: string): BusboyInstance {
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: LIMITES })
  } catch {
    throw malformado()
  }
}

const malformado = () => new DomainError('requisicao-malformada', 'O formulário multipart não pôde ser lido.')

/** The pieces of the file `arquivo` inside a multipart form, at the pace at which they are taken. */
export async function* arquivoDoFormulario(corpo: Trechos, contentType: string): AsyncGenerator<Uint8Array> {
  const busboy = criarBusboy(contentType)
  const achado = Promise.withResolvers<Readable>()
  let arquivo: Readable | undefined
  const falhar = (erro: Error): void => {
    achado.reject(erro)
    arquivo?.destroy(erro)
  }
  busboy.on('file', (campo, parte) => {
    if (campo !== CAMPO_DO_ARQUIVO) parte.resume()
    else if (arquivo !== undefined) {
      parte.resume()
      falhar(erroDeArquivo('Envie um só arquivo por vez.'))
    } else {
      arquivo = parte
      achado.resolve(parte)
    }
  })
  busboy.on('finish', () => achado.reject(erroDeArquivo('Falta o arquivo no formulário.')))

  const fim = new AbortController()
  alimentar(busboy, corpo, fim.signal).catch((erro: unknown) => {
    falhar(erro instanceof DomainError ? erro : malformado())
  })
  try {
    yield* await achado.promise
  } catch (erro) {
    throw erro instanceof DomainError ? erro : malformado()
  } finally {
    fim.abort()
  }
}

/** Feeds the parser with the body, waiting where it is full, until the end of one of them. */
async function alimentar(busboy: BusboyInstance, corpo: Trechos, signal: AbortSignal): Promise<void> {
  busboy.on('error', () => {})
  const quebrou = once(busboy, 'finish', { signal })
  quebrou.catch(() => {})
  for await (const trecho of corpo) {
    if (!busboy.write(trecho)) await once(busboy, 'drain', { signal })
  }
  busboy.end()
  await quebrou
}
