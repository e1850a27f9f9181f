import { Unavailable } from '@fluxo/shared/errors'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { describe, expect, test } from 'vitest'
import type { Item } from '../registrar/ledger-table.ts'
import type { Registration } from '../registrar/registration.ts'
import { importFile } from './import-file.ts'

const HEADER = 'data,tipo,valor,descricao\n'
async function* file(lines: number, { falha: failure }: { falha?: Error } = {}): AsyncGenerator<Uint8Array> {
  yield Buffer.from(HEADER)
  for (let i = 1; i <= lines; i += 1) yield Buffer.from(`2025-10-15,DEBITO,${i}.00,Café\n`)
  if (failure) throw failure
}
const created = (items: readonly Item[]): Registration[] =>
  items.map(({ lancamento }) => ({ outcome: 'created', particao: 0, posicao: 1, lancamento }))

/** Imports over a ledger that answers as `registrarLote` says; the real one has its own tests beside the route. */
const importar = (registrarLote: (items: readonly Item[]) => Promise<Registration[]>, pieces = file(2_100)) =>
  importFile(
    { store: { registrarLote }, newId: () => 'id', now: () => new Date() },
    { chunks: pieces, comercianteId: 'loja-1', posicoes: createPosicoes() },
  )

describe('an import', () => {
  test('keeps two batches in the air and no more', async () => {
    let inFlight = 0
    let largest = 0
    const report = await importar(async (items) => {
      inFlight += 1
      largest = Math.max(largest, inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight -= 1
      return created(items)
    })
    expect(largest).toBe(2)
    expect(report).toMatchObject({ linhas: 2_100, criados: 2_100 })
  })

  test('survives a moment without the ledger: the same batch is sent again, with the same keys', async () => {
    const chaves: (string | undefined)[][] = []
    const report = await importar(async (items) => {
      chaves.push(items.map(({ chave }) => chave))
      if (chaves.length <= 2) throw new Unavailable('banco-indisponivel', 'x')
      return created(items)
    }, file(3))
    expect(report.criados).toBe(3)
    expect(chaves).toEqual([chaves[0], chaves[0], chaves[0]])
  })

  test('ends with what the ledger said, once nothing is in the air, and asks for no further line', async () => {
    let lotes = 0
    let inFlight = 0
    const failure = importar(async (items) => {
      lotes += 1
      inFlight += 1
      await new Promise((resolve) => setImmediate(resolve))
      inFlight -= 1
      if (lotes > 1) throw new Error('bug')
      return created(items)
    }, file(50_000))
    await expect(failure).rejects.toThrow('bug')
    expect([inFlight, lotes < 5]).toEqual([0, true])
  })

  test('stores the whole lines of an upload that broke off', async () => {
    let stored = 0
    const failure = importar(
      async (items) => {
        stored += items.length
        return created(items)
      },
      file(1_234, { falha: new Error('aborted') }),
    )
    await expect(failure).rejects.toThrow('aborted')
    expect(stored).toBe(1_234)
  })
})
