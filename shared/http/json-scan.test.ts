import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ListFault, scanList } from './json-scan.ts'

const LIMITS = { valuesMax: 4, valueBytesMax: 40 }

/** The values of a list as texts, or what is wrong with it. */
const scan = (text: string, limits = LIMITS): { texts?: string[]; fault?: ListFault; steps: number } => {
  const utf8 = Buffer.from(text)
  const steps = scanList(utf8, limits)
  let seen = 0
  for (;;) {
    const { done, value } = steps.next()
    if (!done) seen += 1
    else if ('fault' in value) return { fault: value.fault, steps: seen }
    else {
      const texts: string[] = []
      for (let i = 0; i < value.places.length; i += 2) {
        texts.push(utf8.toString('utf8', value.places[i], value.places[i + 1]))
      }
      return { texts, steps: seen }
    }
  }
}

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('', ',', ']', '}', '"', '\\', '\\"', '[{', 'é€😀'),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 3 }),
    // No key is a backslash: V8 14.6 takes a later key `"\\""` of the same text for it.
    fc.dictionary(fc.constantFrom('a', '"', '\\\\a', ',', '}'), tie('value'), { maxKeys: 3 }),
  ),
})).value

test('a list is cut into its values, whatever they are', () => {
  fc.assert(
    fc.property(fc.array(json, { maxLength: 4 }), fc.boolean(), (list, indented) => {
      const { texts } = scan(JSON.stringify(list, null, indented ? 2 : 0), { valuesMax: 4, valueBytesMax: 10_000 })
      expect(texts?.map((text): unknown => JSON.parse(text))).toEqual(list)
    }),
  )
})

test('a text that is no JSON list is refused, or cut into at least one value that is no JSON', () => {
  const piece = fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '"a"', '1', ' ', '\\', 'null', '"a":1')
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 9 }), fc.boolean(), (pieces, listed) => {
      const text = listed ? `[${pieces.join('')}]` : pieces.join('')
      const { texts } = scan(text, { valuesMax: 20, valueBytesMax: 100 })
      const isList = parses(text) && Array.isArray(JSON.parse(text))
      expect(texts?.every(parses) ?? false).toBe(isList)
    }),
    { numRuns: 3_000 },
  )
})

test.each([
  ['[1,2,3,4,5]', 'many'],
  [`[1,2,3,4,5${',1'.repeat(1_000_000)}`, 'many'],
  [`[1,"${'x'.repeat(40)}"]`, { long: 1 }],
  [`[1,${'['.repeat(1_000_000)}`, { long: 1 }],
  [`["${'\\"'.repeat(1_000_000)}`, { long: 0 }],
  ['[1,2', 'json'],
  ['[1]]', 'json'],
  ['{}', 'json'],
  ['', 'json'],
])('%.20s is refused at its first excess', (text, fault) => {
  const { fault: found, steps } = scan(text)
  expect(found).toEqual(fault)
  expect(steps).toBeLessThanOrEqual(LIMITS.valuesMax)
})

test('four values of forty bytes are no excess', () => {
  const value = `"${'x'.repeat(38)}"`
  expect(scan(`[${[value, value, value, value].join(',')}]`).texts).toEqual([value, value, value, value])
})
