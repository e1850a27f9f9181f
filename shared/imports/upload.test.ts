import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { atPace, type Chunks, fileOfForm } from './upload.ts'

const read = async (chunks: Chunks): Promise<string> => {
  const readOnes: Uint8Array[] = []
  for await (const chunk of chunks) readOnes.push(chunk)
  return Buffer.concat(readOnes).toString()
}
async function* from(...parts: (string | Error | Promise<never>)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part
    yield Buffer.from(typeof part === 'string' ? part : await part)
  }
}
const never = new Promise<never>(() => {})
const codigo = (c: string) => expect.objectContaining({ codigo: c })

/** Silence of so long is too much, and a byte makes up for a millisecond of it. */
const pace = (waitMs: number) => ({ waitMs, bytesPerSecond: 1_000 })

describe('the wait for the sender', () => {
  test('a body passes unchanged', async () => {
    expect(await read(atPace(from('a', 'b', 'c'), pace(1_000)))).toBe('abc')
  })

  test('a sender that falls silent is given up', async () => {
    await expect(read(atPace(from('a', never), pace(30)))).rejects.toEqual(codigo('corpo-lento'))
  })

  test('a sender that trickles is given up, and one that is slow but steady is not', async () => {
    async function* drip(bytes: number): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 60; n += 1) {
        yield Buffer.alloc(bytes)
        await delay(20)
      }
    }
    await expect(read(atPace(drip(1), pace(200)))).rejects.toEqual(codigo('corpo-lento'))
    expect(await read(atPace(drip(1_000), pace(1_000)))).toHaveLength(60_000)
  })

  test('the time that we take ourselves does not count', async () => {
    for await (const chunk of atPace(from('a', 'b'), pace(30))) {
      expect(chunk).toHaveLength(1)
      await delay(80)
    }
  })

  test('a connection that breaks is told as such', async () => {
    await expect(read(atPace(from('a', new Error('aborted')), pace(1_000)))).rejects.toEqual(
      codigo('requisicao-interrompida'),
    )
  })
})

const TIPO = 'multipart/form-data; boundary=abc'
const part = (name: string, text: string) =>
  `--abc\r\nContent-Disposition: form-data; name="${name}"; filename="a.csv"\r\n\r\n${text}\r\n`

describe('a form', () => {
  test('gives the file, in whatever pieces it comes', async () => {
    const body = `${part('outro', 'x')}${part('arquivo', 'data,tipo\n')}--abc--\r\n`
    expect(await read(fileOfForm(from(...body), TIPO))).toBe('data,tipo\n')
  })

  test('that breaks off says so instead of looking like a whole file', async () => {
    const body = part('arquivo', 'data,tipo\n').slice(0, -2)
    await expect(read(fileOfForm(from(body), TIPO))).rejects.toEqual(codigo('requisicao-malformada'))
    const cut = atPace(from(body, new Error('aborted')), pace(1_000))
    await expect(read(fileOfForm(cut, TIPO))).rejects.toEqual(codigo('requisicao-interrompida'))
  })

  test('is read no faster than its file is taken', async () => {
    let sent = 0
    async function* body(): Chunks & AsyncGenerator<Uint8Array> {
      yield Buffer.from('--abc\r\nContent-Disposition: form-data; name="arquivo"; filename="a.csv"\r\n\r\n')
      for (; sent < 1_000; sent += 1) yield Buffer.alloc(64 * 1024, 'x')
      yield Buffer.from('\r\n--abc--\r\n')
    }
    let readOnes = 0
    for await (const chunk of fileOfForm(body(), TIPO)) {
      readOnes += chunk.length
      if (readOnes > 1_000_000) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent * 64 * 1024).toBeLessThan(readOnes + 1_000_000)
  })
})
