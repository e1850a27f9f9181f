import { describe, expect, test } from 'vitest'
import { alvoRefusal, isAllowedAddress, URL_CHARACTERS_MAX } from './alvo.ts'

const PRODUCTION = { allowsLoopback: false }
const DEVELOPMENT = { allowsLoopback: true }

describe('a target is refused', () => {
  test.each([
    ['no URL', 'loja.example'],
    ['another scheme', 'ftp://loja.example/'],
    ['a file', 'file:///etc/passwd'],
    ['plain HTTP', 'http://loja.example/'],
    ['credentials', 'https://ana:senha@loja.example/'],
    ['a user without a password', 'https://ana@loja.example/'],
    ['a fragment', 'https://loja.example/#a'],
    ['the port of mail', 'https://loja.example:25/'],
    ['the port of SSH', 'https://loja.example:22/'],
    ['port zero', 'https://loja.example:0/'],
    ['loopback', 'https://127.0.0.1/'],
    ['loopback by another number', 'https://127.255.255.254/'],
    ['loopback with the dot of the root', 'https://127.0.0.1./'],
    ['loopback in decimal', 'https://2130706433/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback in hex', 'https://0x7f000001/'],
    ['loopback cut short', 'https://127.1/'],
    ['loopback in full-width digits', 'https://１２７.0.0.1/'],
    ['loopback percent-encoded', 'https://%31%32%37.0.0.1/'],
    ['any address', 'https://0.0.0.0/'],
    ['any address, short', 'https://0/'],
    ['10/8', 'https://10.1.2.3/'],
    ['172.16/12', 'https://172.31.255.255/'],
    ['192.168/16', 'https://192.168.0.1/'],
    ['carrier-grade NAT, and a metadata service', 'https://100.100.100.200/'],
    ['link-local, the metadata service', 'https://169.254.169.254/latest/meta-data/'],
    ['the metadata service in decimal', 'https://2852039166/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['documentation', 'https://203.0.113.9/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 any', 'https://[::]/'],
    ['IPv4-mapped loopback', 'https://[::ffff:127.0.0.1]/'],
    ['IPv4-mapped, in hex', 'https://[::ffff:7f00:1]/'],
    ['IPv4-mapped, even of a public address', 'https://[::ffff:8.8.8.8]/'],
    ['IPv4-compatible', 'https://[::127.0.0.1]/'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['6to4', 'https://[2002:7f00:1::]/'],
    ['Teredo', 'https://[2001:0:7f00:1::]/'],
    ['unique local', 'https://[fd00:ec2::254]/'],
    ['IPv6 link-local', 'https://[fe80::1]/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['IPv6 documentation', 'https://[2001:db8::1]/'],
    ['localhost', 'https://localhost/'],
    ['localhost with the dot of the root', 'https://localhost./'],
    ['a name below localhost', 'https://a.localhost/'],
    ['a name without a dot', 'https://postgres/'],
    ['an internal name', 'https://metadata.google.internal/'],
    ['an mDNS name', 'https://impressora.local/'],
    ['a URL that is too long', `https://loja.example/${'a'.repeat(URL_CHARACTERS_MAX)}`],
  ])('%s', (_, url) => {
    expect(alvoRefusal(url, PRODUCTION)).toEqual(expect.any(String))
  })
})

describe('a target is taken', () => {
  test.each([
    'https://loja.example/avisos?canal=1',
    'https://loja.example:8443/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://xn--lojo-goa.example/',
  ])('%s', (url) => {
    expect(alvoRefusal(url, PRODUCTION)).toBeUndefined()
  })

  test.each(['http://127.0.0.1:3000/', 'http://localhost:80/', 'http://a.localhost:80/', 'http://[::1]:9/'])(
    '%s, where development allows loopback',
    (url) => {
      expect(alvoRefusal(url, DEVELOPMENT)).toBeUndefined()
      expect(alvoRefusal(url, PRODUCTION)).toBeDefined()
    },
  )

  test('but development allows loopback only', () => {
    for (const url of [
      'http://loja.example/',
      'https://10.0.0.1/',
      'https://169.254.169.254/',
      'https://[::ffff:10.0.0.1]/',
    ])
      expect(alvoRefusal(url, DEVELOPMENT)).toBeDefined()
  })
})

test('of resolved addresses only public ones are connected to', () => {
  for (const ip of [
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:127.0.0.1',
    'fd00::1',
    '',
    'loja',
    '1.2.3',
  ])
    expect([ip, isAllowedAddress(ip, PRODUCTION)]).toEqual([ip, false])
  for (const ip of ['8.8.8.8', '2606:4700:4700::1111']) expect(isAllowedAddress(ip, PRODUCTION)).toBe(true)
  expect(isAllowedAddress('127.0.0.1', DEVELOPMENT)).toBe(true)
  expect(isAllowedAddress('::ffff:127.0.0.1', DEVELOPMENT)).toBe(false)
})
