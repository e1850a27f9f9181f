import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createEntries, type Entries, entriesOf } from '../../test/entries.ts'
import { makeLots } from './lot-store.ts'

const LOTS = ['lancamento.registrado']

let entries: Entries
beforeEach(async () => {
  entries = await createEntries()
})
afterEach(() => entries.close())

const many = (count: number, comercianteId: string) => Array.from({ length: count }, () => ({ comercianteId }))
const waiting = async (): Promise<number> => {
  const [row] = await entries.sql<{ n: number }[]>`select count(*)::int as n from lancamento_a_avisar`
  return row?.n ?? 0
}

describe('noting', () => {
  test('an entry costs no row where nobody hears of it', async () => {
    await entries.hear('pedidos', ['order.*'])
    const removed = await entries.hear('removido', LOTS)
    await entries.sql`update webhook set removido_em = now() where id = ${removed}`
    const disabled = await entries.hear('desativado', LOTS)
    await entries.sql`update webhook set desativado_em = now() - interval '8 days' where id = ${disabled}`
    await entries.hear('novo', LOTS, new Date())
    const hoursAgo = new Date(Date.now() - 5 * 3_600_000)
    await entries.note([
      ...['ninguem', 'pedidos', 'removido', 'desativado'].map((comercianteId) => ({ comercianteId })),
      // Recorded before its webhook was made.
      { comercianteId: 'novo', em: hoursAgo },
    ])
    expect([await waiting(), await entries.sql`select from dia_a_avisar`]).toEqual([0, []])
  })

  test('an entry waits for a webhook that asked for it by name or pattern, one that was disabled lately, and a stream', async () => {
    await entries.hear('nome', LOTS)
    await entries.hear('padrao', ['lancamento.*', 'order.*'])
    const disabled = await entries.hear('desativado', LOTS)
    await entries.sql`update webhook set desativado_em = now() - interval '6 days' where id = ${disabled}`
    await entries.sql`
      insert into ouvinte (comerciante_id, desde, escuta_ate)
      values ('escuta', now() - interval '1 hour', now() + interval '1 day')`
    await entries.note(['nome', 'padrao', 'desativado', 'escuta'].map((comercianteId) => ({ comercianteId })))
    expect(await waiting()).toBe(4)
    expect(await entries.sql`select comerciante_id from dia_a_avisar`).toEqual([{ comerciante_id: 'escuta' }])
  })
})

describe('lots', () => {
  test('two instances put each entry in exactly one lot, of 100 at most, numbered without gaps and in order', async () => {
    for (const merchant of ['a', 'b', 'c']) await entries.hear(merchant, LOTS)
    const ids: string[] = []
    for (let i = 0; i < 5; i += 1) {
      ids.push(...(await entries.note(['a', 'b', 'c'].flatMap((merchant, n) => many(100 * (n + 1) + i, merchant)))))
    }
    await entries.ripen()
    const work = async (pool: Entries['pools'][number]): Promise<void> => {
      while ((await waiting()) > 0) await makeLots(pool)
    }
    await Promise.all(entries.pools.flatMap((pool) => [work(pool), work(pool)]))
    const told: string[] = []
    for (const merchant of ['a', 'b', 'c']) {
      const lots = await entries.toldTo(merchant)
      expect(lots.map(({ seq }) => seq)).toEqual(lots.map((_, i) => i + 1))
      expect(lots.every((lot) => entriesOf(lot).length <= 100)).toBe(true)
      told.push(...lots.flatMap(entriesOf))
      const positions = lots.flatMap(({ corpo }) =>
        (JSON.parse(corpo) as { data: { itens: { posicao: string }[] } }).data.itens.map(({ posicao }) =>
          Number(posicao.slice(2)),
        ),
      )
      expect(positions).toEqual(positions.toSorted((x, y) => x - y))
    }
    expect(told).toHaveLength(ids.length)
    expect(new Set(told)).toEqual(new Set(ids))
    const [row] = await entries.sql<{ n: number }[]>`select count(*)::int as n from aviso`
    expect(row?.n).toBe((await entries.sql`select from evento`).length)
  })

  test('two thousand entries of a busy merchant are twenty lots; fewer than a hundred wait a second for others', async () => {
    await entries.hear('cheia', LOTS)
    for (let i = 0; i < 4; i += 1) await entries.note(many(500, 'cheia'))
    await entries.note(many(7, 'cheia'))
    // As long as this test may take, nothing has waited long enough.
    await entries.sql`update lancamento_a_avisar set notado_em = now() + interval '1 hour'`
    let made = await makeLots(entries.pools[0])
    while (made.itens > 0) made = await makeLots(entries.pools[0])
    expect((await entries.toldTo('cheia')).map((lot) => entriesOf(lot).length)).toEqual(Array(20).fill(100))
    expect(await waiting()).toBe(7)
    await entries.ripen()
    expect(await makeLots(entries.pools[0])).toEqual({ itens: 7, lotes: 1, avisos: 1 })
  })

  test('an entry is told as it is in the ledger, a reversal with what it reverses', async () => {
    await entries.hear('loja', LOTS)
    const em = new Date(Date.now() - 1_000)
    const [first] = await entries.note([{ comercianteId: 'loja', valor: '9999999999999.99', em }])
    const [reversal] = await entries.note([{ comercianteId: 'loja', tipo: 'DEBITO', estorna: first ?? '', em }])
    await entries.ripen()
    await makeLots(entries.pools[0])
    const [lot] = await entries.toldTo('loja')
    expect(lot?.corpo).toBe(
      `{"type":"lancamento.registrado","timestamp":"${em.toISOString()}","data":{"itens":[` +
        `{"id":"${first}","tipo":"CREDITO","valor":9999999999999.99,"data":"2025-10-15","posicao":"0:1"},` +
        `{"id":"${reversal}","tipo":"DEBITO","valor":150.50,"data":"2025-10-15","estorna":"${first}","posicao":"0:2"}]}}`,
    )
  })

  test('a merchant with a long queue holds up nobody: a neighbour’s entry is in the first lots that are made', async () => {
    await entries.hear('cheia', LOTS)
    await entries.hear('vizinha', LOTS)
    for (let i = 0; i < 40; i += 1) await entries.note(many(500, 'cheia'))
    await entries.ripen()
    const [id] = await entries.note([{ comercianteId: 'vizinha' }])
    await entries.ripen()
    await makeLots(entries.pools[0])
    expect((await entries.toldTo('vizinha')).map(entriesOf)).toEqual([[id]])
    expect(await entries.toldTo('cheia')).toHaveLength(10)
  })
})
