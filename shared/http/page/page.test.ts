import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPages, type PagePoint } from './page.ts'

type Item = { dia: string; n: number }
const SECRET = 'segredo-de-teste-com-mais-de-32-bytes'
const invalid = expect.objectContaining({ codigo: 'cursor-invalido' })

const pagesOf = (options: { cursorSecret?: string; purpose?: string } = {}) =>
  createPages<Item>({
    cursorSecret: SECRET,
    purpose: 'itens',
    pointOf: ({ dia, n }) => [dia, String(n)],
    json: (item) => JSON.stringify(item),
    ...options,
  })
const items = (count: number, first = 1): Item[] =>
  Array.from({ length: count }, (_, i) => ({ dia: '2025-10-15', n: first + i }))

/** One page of a list that has `rows` left, and what was asked of its store. */
const ask = async (rows: Item[], query = {}, { scope = 'loja-1', pages = pagesOf() } = {}) => {
  let asked: { after: PagePoint | undefined; count: number } | undefined
  const read = async (after: PagePoint | undefined, count: number) => {
    asked = { after, count }
    return rows.slice(0, count)
  }
  const body = (await (await pages({ query, scope, read })).json()) as { itens: Item[]; proximo: string | null }
  return { ...body, asked }
}
const cursorAfter = async (n: number): Promise<string> => (await ask(items(2, n), { limite: 1 })).proximo ?? ''

test('there is a next page exactly where one more row was found', async () => {
  expect(await ask(items(3), { limite: 2 })).toMatchObject({ itens: items(2), proximo: expect.any(String) })
  expect(await ask(items(3), { limite: 3 })).toMatchObject({ itens: items(3), proximo: null, asked: { count: 4 } })
  expect(await ask([])).toMatchObject({ itens: [], proximo: null, asked: { after: undefined, count: 51 } })
})

describe('a cursor', () => {
  test('begins after the last item of its page, in any instance with the same secret', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }), async (n) => {
        const { asked } = await ask([], { cursor: await cursorAfter(n) }, { pages: pagesOf() })
        expect(asked?.after).toEqual(['2025-10-15', String(n)])
      }),
    )
  })

  test('of another merchant or filter, another list or another secret is refused', async () => {
    const cursor = await cursorAfter(1)
    await expect(ask([], { cursor }, { scope: 'loja-2' })).rejects.toEqual(invalid)
    await expect(ask([], { cursor }, { pages: pagesOf({ purpose: 'outros' }) })).rejects.toEqual(invalid)
    const cursorSecret = 'outro-segredo-com-mais-de-32-bytes!!'
    await expect(ask([], { cursor }, { pages: pagesOf({ cursorSecret }) })).rejects.toEqual(invalid)
  })

  test('that was touched, or is no cursor at all, is refused', async () => {
    const bytes = Buffer.from(await cursorAfter(1), 'base64url')
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (i, x) => {
        const touched = Buffer.from(bytes)
        touched[i] = (touched[i] ?? 0) ^ x
        await expect(ask([], { cursor: touched.toString('base64url') })).rejects.toEqual(invalid)
      }),
    )
    for (const cursor of ['', 'x', '!!!', 'a'.repeat(10_000)])
      await expect(ask([], { cursor })).rejects.toEqual(invalid)
  })
})
