import { describe, expect, test } from 'vitest'
import { SECRET_BYTES, secretOf, signatureHeaders, validSecrets } from './signature.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const MESSAGE = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

describe('the signature', () => {
  test('is the one of Standard Webhooks, by its published vector', () => {
    expect(signatureHeaders(MESSAGE, [SECRET])).toEqual({
      'webhook-id': MESSAGE.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': SIGNATURE,
    })
  })

  test('speaks for id, time, body and secret alike', () => {
    const others = [
      signatureHeaders({ ...MESSAGE, id: 'msg_outra' }, [SECRET]),
      signatureHeaders({ ...MESSAGE, timestamp: 1614265331 }, [SECRET]),
      signatureHeaders({ ...MESSAGE, body: '{"test": 2432232315}' }, [SECRET]),
      signatureHeaders(MESSAGE, [secretOf(new Uint8Array(SECRET_BYTES))]),
    ]
    const signatures = others.map((headers) => headers['webhook-signature'])
    expect(new Set([SIGNATURE, ...signatures]).size).toBe(5)
  })

  test('is given by both secrets while the key rotates, the new one first', () => {
    const secret = secretOf(new Uint8Array(SECRET_BYTES).fill(7))
    const previousUntil = new Date('2025-10-16T00:00:00Z')
    const secrets = { segredo: secret, previous: SECRET, previousUntil }
    const during = validSecrets(secrets, new Date('2025-10-15T23:59:59Z'))
    expect(during).toEqual([secret, SECRET])
    const parts = signatureHeaders(MESSAGE, during)['webhook-signature'].split(' ')
    expect(parts).toHaveLength(2)
    expect(parts[1]).toBe(SIGNATURE)
    expect(validSecrets(secrets, previousUntil)).toEqual([secret])
  })
})

test('a new secret has 32 bytes behind whsec_', () => {
  expect(secretOf(new Uint8Array(SECRET_BYTES))).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
})
