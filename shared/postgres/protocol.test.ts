import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countRequests, createReadyCounter, FIRST, findFirstMessage } from './protocol.ts'

const message = (type: string, body: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(type, 0, 'latin1')
  bytes.writeUInt32BE(4 + body.length, 1)
  bytes.set(body, 5)
  return bytes
}
const first = (code: number, body = ''): Buffer => {
  const bytes = Buffer.alloc(8 + body.length)
  bytes.writeUInt32BE(bytes.length, 0)
  bytes.writeUInt32BE(code, 4)
  bytes.write(body, 8, 'latin1')
  return bytes
}
const messages = fc.array(
  fc.record({ type: fc.constantFrom('Z', 'D', 'C', 'S', 'Q', 'B', 'P'), body: fc.uint8Array({ maxLength: 40 }) }),
)

test('replies are counted, however their bytes are cut', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat({ max: 30 }), { minLength: 1 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(({ type, body }) => message(type, body)))
      const count = createReadyCounter()
      let seen = 0
      let at = 0
      for (let i = 0; at < bytes.length; i += 1) {
        const next = at + 1 + (cuts[i % cuts.length] ?? 0)
        seen += count(bytes.subarray(at, next))
        at = next
      }
      expect(seen).toBe(sent.filter(({ type }) => type === 'Z').length)
    }),
  )
})

test('requests are counted by their Sync, or as simple queries', () => {
  fc.assert(
    fc.property(messages, (sent) => {
      const bytes = Buffer.concat(sent.map(({ type, body }) => message(type, body)))
      expect(countRequests(bytes)).toBe(sent.filter(({ type }) => type === 'S' || type === 'Q').length)
    }),
  )
})

test('the first message is found behind what an earlier connection left, the last of several', () => {
  const startup = first(FIRST.startup, 'user\0x\0\0')
  expect(findFirstMessage(startup)).toEqual({ at: 0, code: FIRST.startup })
  const left = message('Q', Buffer.from('select 1\0'))
  const bytes = Buffer.concat([left, startup, startup])
  expect(findFirstMessage(bytes)).toEqual({ at: left.length + startup.length, code: FIRST.startup })
  expect(findFirstMessage(Buffer.concat([left, first(FIRST.tls)]))).toEqual({ at: left.length, code: FIRST.tls })
  expect(findFirstMessage(left)).toBeUndefined()
})
