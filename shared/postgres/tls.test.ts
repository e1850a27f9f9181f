import { expect, test } from 'vitest'
import { readTls } from './tls.ts'

const URL_OF = 'postgres://u:segredo-do-banco@h:5432/d'

test('postgres.js never sees what is ours, and sees the rest', () => {
  expect(readTls(URL_OF)).toEqual({ url: URL_OF, tls: undefined })
  expect(readTls(`${URL_OF}?sslmode=disable`)).toEqual({ url: URL_OF, tls: undefined })
  expect(readTls(`${URL_OF}?sslmode=require&connect_timeout=3`).url).toBe(`${URL_OF}?connect_timeout=3`)
})

test('a host is checked by its name, an address by itself', () => {
  const { tls } = readTls(`${URL_OF}?sslmode=verify-full`)
  expect(tls?.('banco.example')).toMatchObject({
    host: 'banco.example',
    servername: 'banco.example',
    rejectUnauthorized: true,
  })
  expect(tls?.('10.0.0.1')).not.toHaveProperty('servername')
  expect(tls?.('10.0.0.1')).not.toHaveProperty('checkServerIdentity')
})

test.each([
  'sslmode=prefer',
  'sslmode=allow',
  'sslmode=verify_full',
  'sslmode=',
  'ssl=true',
  'ssl=require',
  'sslmode=verify-full&ssl=false',
  'sslrootcert=/x/ca.pem',
  'sslmode=disable&sslrootcert=/x/ca.pem',
  'sslmode=verify-ca',
  'sslmode=require&sslrootcert=system',
  'sslmode=verify-full&sslrootcert=/nao/existe.pem',
])('%s opens nothing in clear: it is refused in a sentence without the password', (query) => {
  const attempt = () => readTls(`${URL_OF}?${query}`)
  expect(attempt).toThrow(/ssl/)
  expect(attempt).not.toThrow(/segredo/)
})
