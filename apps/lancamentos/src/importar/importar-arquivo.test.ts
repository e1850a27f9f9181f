import { Indisponivel } from '@fluxo/shared/errors'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { describe, expect, test } from 'vitest'
import type { Item } from '../registrar/ledger-table.ts'
import type { Registro } from '../registrar/registro.ts'
import { importarArquivo } from './importar-arquivo.ts'

const CABECALHO = 'data,tipo,valor,descricao\n'
async function* arquivo(linhas: number, { falha }: { falha?: Error } = {}): AsyncGenerator<Uint8Array> {
  yield Buffer.from(CABECALHO)
  for (let i = 1; i <= linhas; i += 1) yield Buffer.from(`2025-10-15,DEBITO,${i}.00,Café\n`)
  if (falha) throw falha
}
const criados = (itens: readonly Item[]): Registro[] =>
  itens.map(({ lancamento }) => ({ desfecho: 'criado', particao: 0, posicao: 1, lancamento }))

/** Imports over a ledger that answers as `registrarLote` says; the real one has its own tests beside the route. */
const importar = (registrarLote: (itens: readonly Item[]) => Promise<Registro[]>, trechos = arquivo(2_100)) =>
  importarArquivo(
    { store: { registrarLote }, novoId: () => 'id', agora: () => new Date() },
    { trechos, comercianteId: 'loja-1', posicoes: createPosicoes() },
  )

describe('an import', () => {
  test('keeps two batches in the air and no more', async () => {
    let emVoo = 0
    let maior = 0
    const relatorio = await importar(async (itens) => {
      emVoo += 1
      maior = Math.max(maior, emVoo)
      await new Promise((resolve) => setImmediate(resolve))
      emVoo -= 1
      return criados(itens)
    })
    expect(maior).toBe(2)
    expect(relatorio).toMatchObject({ linhas: 2_100, criados: 2_100 })
  })

  test('survives a moment without the ledger: the same batch is sent again, with the same keys', async () => {
    const chaves: (string | undefined)[][] = []
    const relatorio = await importar(async (itens) => {
      chaves.push(itens.map(({ chave }) => chave))
      if (chaves.length <= 2) throw new Indisponivel('banco-indisponivel', 'x')
      return criados(itens)
    }, arquivo(3))
    expect(relatorio.criados).toBe(3)
    expect(chaves).toEqual([chaves[0], chaves[0], chaves[0]])
  })

  test('ends with what the ledger said, once nothing is in the air, and asks for no further line', async () => {
    let lotes = 0
    let emVoo = 0
    const falha = importar(async (itens) => {
      lotes += 1
      emVoo += 1
      await new Promise((resolve) => setImmediate(resolve))
      emVoo -= 1
      if (lotes > 1) throw new Error('bug')
      return criados(itens)
    }, arquivo(50_000))
    await expect(falha).rejects.toThrow('bug')
    expect([emVoo, lotes < 5]).toEqual([0, true])
  })

  test('stores the whole lines of an upload that broke off', async () => {
    let guardados = 0
    const falha = importar(
      async (itens) => {
        guardados += itens.length
        return criados(itens)
      },
      arquivo(1_234, { falha: new Error('aborted') }),
    )
    await expect(falha).rejects.toThrow('aborted')
    expect(guardados).toBe(1_234)
  })
})
