import { json } from '@fluxo/tests/stage/doors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLedgerTestApp, type LedgerTestApp } from '../../test/test-app.ts'

type Item = { id: string; data: string; valor: number; descricao: string; tipo: string }
type Page = { itens: Item[]; proximo: string | null }

describe.each([1, 4])('listing with %i partition(s)', (particoes) => {
  let stage: LedgerTestApp
  let merchant: Awaited<ReturnType<LedgerTestApp['askAs']>>
  let other: Awaited<ReturnType<LedgerTestApp['askAs']>>
  const ids: string[] = []

  beforeAll(async () => {
    stage = await createLedgerTestApp({ particoes })
    merchant = await stage.askAs('loja-1')
    other = await stage.askAs('loja-2')
    for (let i = 0; i < 25; i += 1) {
      const data = `2025-10-${String((i % 5) + 10)}`
      const tipo = i % 2 ? 'DEBITO' : 'CREDITO'
      const answer = await merchant(
        '/lancamentos',
        json({ valor: i + 1, tipo, descricao: `n ${i}`, data, referencia: `r-${i}` }),
      )
      ids.push(((await answer.json()) as Item).id)
      await other('/lancamentos', json({ valor: 1, tipo, descricao: 'da outra', data }))
    }
  })
  afterAll(() => stage.close())

  const page = async (query: string, ask = merchant): Promise<Page> => {
    const answer = await ask(`/lancamentos?${query}`)
    expect(answer.status).toBe(200)
    return (await answer.json()) as Page
  }

  test('pages of any size together are the whole list, newest first, without repetition or hole', async () => {
    const all = await page('limite=200')
    expect(all.proximo).toBeNull()
    const expected = ids
      .map((id, i) => ({ id, dia: i % 5, i }))
      .sort((a, b) => b.dia - a.dia || b.i - a.i)
      .map(({ id }) => id)
    expect(all.itens.map(({ id }) => id)).toEqual(expected)
    for (const limit of [1, 7, 25]) {
      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { itens: items, proximo: next }: Page = await page(`limite=${limit}${cursor && `&cursor=${cursor}`}`)
        seen.push(...items.map(({ id }) => id))
        cursor = next
      }
      expect(seen).toEqual(expected)
    }
  })

  test('an entry recorded between two pages never makes the second one repeat or skip', async () => {
    const before = await page('limite=200&de=2025-10-12')
    const first = await page('limite=5&de=2025-10-12')
    await other('/lancamentos', json({ valor: 9, tipo: 'CREDITO', descricao: 'no meio', data: '2025-10-14' }))
    const second = await page(`limite=200&de=2025-10-12&cursor=${first.proximo}`)
    expect([...first.itens, ...second.itens]).toEqual(before.itens)
  })

  test('filters combine', async () => {
    const { itens: items } = await page('de=2025-10-11&ate=2025-10-12&tipo=DEBITO')
    expect(items.length).toBe(5)
    expect(items.every(({ data, tipo }) => ['2025-10-11', '2025-10-12'].includes(data) && tipo === 'DEBITO')).toBe(true)
    expect((await page('data=2025-10-10')).itens).toHaveLength(5)
    expect((await page('referencia=r-7')).itens.map(({ id }) => id)).toEqual([ids[7]])
    expect((await page('referencia=r-7', other)).itens).toEqual([])
  })

  test('a cursor works for nobody else and for no other filter', async () => {
    const { proximo: next } = await page('limite=5')
    for (const answer of [
      await other(`/lancamentos?limite=5&cursor=${next}`),
      await merchant(`/lancamentos?tipo=DEBITO&cursor=${next}`),
      await merchant('/lancamentos?cursor=abc'),
    ]) {
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ codigo: 'cursor-invalido' })
    }
  })

  test.each([
    ['limite=0', 'limite'],
    ['limite=201', 'limite'],
    ['limite=1e1', 'limite'],
    ['data=2025-02-30', 'data'],
    ['tipo=credito', 'tipo'],
    ['ordem=asc', 'ordem'],
    ['__proto__=1', '__proto__'],
    ['tipo=DEBITO&tipo=CREDITO', 'tipo'],
    ['data=2025-10-10&de=2025-10-10', 'data'],
    ['de=2025-10-11&ate=2025-10-10', 'de'],
    ['referencia=', 'referencia'],
  ])('?%s is refused, and the parameter named', async (query, campo) => {
    const answer = await merchant(`/lancamentos?${query}`)
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ erros: [{ campo }] })
  })

  test('one entry is read by its id, and to anybody else it does not exist', async () => {
    const path = `/lancamentos/${ids[3]}`
    const text = await (await merchant(path)).text()
    expect(text).toContain('"valor":4.00,')
    expect(JSON.parse(text)).toMatchObject({ id: ids[3], referencia: 'r-3', created_at: '2025-10-15T12:34:56.789Z' })
    for (const answer of [
      await other(path),
      await merchant('/lancamentos/0198aaaa-0000-7000-8000-000000000000'),
      await merchant('/lancamentos/1'),
    ]) {
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ codigo: 'nao-encontrado' })
    }
  })

  test('reading needs the scope to read', async () => {
    const writer = await stage.askAs('loja-1', ['lancamentos:escrever'])
    expect((await writer('/lancamentos')).status).toBe(403)
    expect((await writer(`/lancamentos/${ids[0]}`)).status).toBe(403)
  })

  test('a deep page costs no more than the first: the index is walked from the cursor', async () => {
    const plan = await stage.sql.unsafe(
      `explain select * from lancamentos l where comerciante_id = 'loja-1' and (data, posicao) < ('2025-10-12'::date, 9::bigint)
       order by l.data desc, l.posicao desc limit 5`,
    )
    const text = plan.map((row) => row['QUERY PLAN']).join('\n')
    expect(text).toMatch(/Index Scan Backward using lancamentos_dia/)
    expect(text).not.toMatch(/Sort/)
  })
})
