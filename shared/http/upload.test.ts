import { setTimeout as esperar } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { arquivoDoFormulario, comRitmo, type Trechos } from './upload.ts'

const ler = async (trechos: Trechos): Promise<string> => {
  const lidos: Uint8Array[] = []
  for await (const trecho of trechos) lidos.push(trecho)
  return Buffer.concat(lidos).toString()
}
async function* de(...partes: (string | Error | Promise<never>)[]): AsyncGenerator<Uint8Array> {
  for (const parte of partes) {
    if (parte instanceof Error) throw parte
    yield Buffer.from(typeof parte === 'string' ? parte : await parte)
  }
}
const nunca = new Promise<never>(() => {})
const codigo = (c: string) => expect.objectContaining({ codigo: c })

/** Silence of so long is too much, and a byte makes up for a millisecond of it. */
const ritmo = (esperaMs: number) => ({ esperaMs, bytesPorSegundo: 1_000 })

describe('the wait for the sender', () => {
  test('a body passes unchanged', async () => {
    expect(await ler(comRitmo(de('a', 'b', 'c'), ritmo(1_000)))).toBe('abc')
  })

  test('a sender that falls silent is given up', async () => {
    await expect(ler(comRitmo(de('a', nunca), ritmo(30)))).rejects.toEqual(codigo('corpo-lento'))
  })

  test('a sender that trickles is given up, and one that is slow but steady is not', async () => {
    async function* gotejar(bytes: number): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 60; n += 1) {
        yield Buffer.alloc(bytes)
        await esperar(20)
      }
    }
    await expect(ler(comRitmo(gotejar(1), ritmo(200)))).rejects.toEqual(codigo('corpo-lento'))
    expect(await ler(comRitmo(gotejar(1_000), ritmo(1_000)))).toHaveLength(60_000)
  })

  test('the time that we take ourselves does not count', async () => {
    for await (const trecho of comRitmo(de('a', 'b'), ritmo(30))) {
      expect(trecho).toHaveLength(1)
      await esperar(80)
    }
  })

  test('a connection that breaks is told as such', async () => {
    await expect(ler(comRitmo(de('a', new Error('aborted')), ritmo(1_000)))).rejects.toEqual(
      codigo('requisicao-interrompida'),
    )
  })
})

const TIPO = 'multipart/form-data; boundary=abc'
const parte = (nome: string, texto: string) =>
  `--abc\r\nContent-Disposition: form-data; name="${nome}"; filename="a.csv"\r\n\r\n${texto}\r\n`

describe('a form', () => {
  test('gives the file, in whatever pieces it comes', async () => {
    const corpo = `${parte('outro', 'x')}${parte('arquivo', 'data,tipo\n')}--abc--\r\n`
    expect(await ler(arquivoDoFormulario(de(...corpo), TIPO))).toBe('data,tipo\n')
  })

  test('that breaks off says so instead of looking like a whole file', async () => {
    const corpo = parte('arquivo', 'data,tipo\n').slice(0, -2)
    await expect(ler(arquivoDoFormulario(de(corpo), TIPO))).rejects.toEqual(codigo('requisicao-malformada'))
    const cortado = comRitmo(de(corpo, new Error('aborted')), ritmo(1_000))
    await expect(ler(arquivoDoFormulario(cortado, TIPO))).rejects.toEqual(codigo('requisicao-interrompida'))
  })

  test('is read no faster than its file is taken', async () => {
    let enviados = 0
    async function* corpo(): Trechos & AsyncGenerator<Uint8Array> {
      yield Buffer.from('--abc\r\nContent-Disposition: form-data; name="arquivo"; filename="a.csv"\r\n\r\n')
      for (; enviados < 1_000; enviados += 1) yield Buffer.alloc(64 * 1024, 'x')
      yield Buffer.from('\r\n--abc--\r\n')
    }
    let lidos = 0
    for await (const trecho of arquivoDoFormulario(corpo(), TIPO)) {
      lidos += trecho.length
      if (lidos > 1_000_000) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(enviados * 64 * 1024).toBeLessThan(lidos + 1_000_000)
  })
})
