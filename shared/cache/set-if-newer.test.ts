import { expect, it } from 'vitest'
import { callsOf, parseStored, storedText } from './set-if-newer.ts'

it('a stored text is read back exactly, whatever the body holds', () => {
  for (const body of ['', '{}', 'a|b|c', '|', 'ç']) {
    expect(parseStored(storedText(2 ** 41 + 1, 'abc12345', body))).toEqual({
      versao: 2 ** 41 + 1,
      run: 'abc12345',
      body,
    })
  }
})

it('what somebody else put there is taken for nothing', () => {
  for (const text of ['', 'x', '|', '1|2', 'x|y|z', '|a|b', '9007199254740993|a|b', '1.5|a|b']) {
    expect(parseStored(text)).toBeUndefined()
  }
})

it('one call holds any keys on a single server and those of one merchant on a cluster, 256 at most', () => {
  const entries = Array.from({ length: 600 }, (_, i) => ({ key: `p:{loja-${i % 2}}:${i}`, ttlMs: 1_000 }))
  expect(callsOf(entries, false).map((call) => call.length)).toEqual([256, 256, 88])
  const calls = callsOf(entries, true)
  expect(calls.map((call) => call.length)).toEqual([256, 44, 256, 44])
  for (const call of calls) expect(new Set(call.map(({ key }) => /\{(.+)\}/.exec(key)?.[1])).size).toBe(1)
})

it('what lives shorter travels apart', () => {
  const entries = [1_000, 2_000, 1_000].map((ttlMs, i) => ({ key: `p:${i}`, ttlMs }))
  expect(callsOf(entries, false).map((call) => call.map(({ key }) => key))).toEqual([['p:0', 'p:2'], ['p:1']])
})
