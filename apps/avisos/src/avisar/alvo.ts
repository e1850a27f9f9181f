import { BlockList, isIP } from 'node:net'

/** What a webhook may point at: public addresses over TLS; loopback and plain HTTP only where a developer says so. */
export type AlvoRule = { allowsLoopback: boolean }

/** Characters of a target's URL. */
export const URL_CHARACTERS_MAX = 2_000
/** HTTPS, its common second port, and what is no system port: nobody sends mail or speaks to a database through us. */
const HTTPS_PORT = 443
const COMMON_PORT_MIN = 1_024

/** IANA's special-purpose registry: nothing in it is a public receiver. Metadata services of clouds live in 169.254/16 and 100.64/10. */
const IPV4_RESERVED: readonly (readonly [rede: string, prefixo: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]
/** What is public in IPv6 is 2000::/3, and in it neither documentation nor addresses that carry an IPv4 address (Teredo, 6to4). */
const IPV6_GLOBAL = ['2000::', 3] as const
const IPV6_RESERVED: readonly (readonly [rede: string, prefixo: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const blockListOf = (networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList => {
  const block = new BlockList()
  for (const [network, prefix] of networks) block.addSubnet(network, prefix, family)
  return block
}
const reservedV4 = blockListOf(IPV4_RESERVED, 'ipv4')
const reservedV6 = blockListOf(IPV6_RESERVED, 'ipv6')
const globalV6 = blockListOf([IPV6_GLOBAL], 'ipv6')
const loopback = blockListOf([['127.0.0.0', 8]], 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** True where we may connect to this IP address. An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) is never one of a receiver. */
export function isAllowedAddress(ip: string, { allowsLoopback }: AlvoRule): boolean {
  switch (isIP(ip)) {
    case 4:
      return !reservedV4.check(ip, 'ipv4') || (allowsLoopback && loopback.check(ip, 'ipv4'))
    case 6:
      if (allowsLoopback && ip === '::1') return true
      return globalV6.check(ip, 'ipv6') && !reservedV6.check(ip, 'ipv6')
    default:
      return false
  }
}

/** Names that never leave a network, whatever a resolver says. */
const INTERNAL_NAME = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|localdomain|arpa|test|invalid|onion)$/

/**
 * Why a URL may not be a target; `undefined` where it may, as far as its text tells. What its name resolves to is checked
 * when we connect.
 *
 * The WHATWG parser has normalised the host before we look: decimal, octal, hex and short IPv4 forms are dotted by then.
 */
export function alvoRefusal(text: string, rule: AlvoRule): string | undefined {
  if (text.length > URL_CHARACTERS_MAX) return `Deve ter no máximo ${URL_CHARACTERS_MAX} caracteres.`
  const url = URL.parse(text)
  if (url === null) return 'Deve ser uma URL.'
  if (url.username !== '' || url.password !== '') return 'Não pode ter usuário ou senha.'
  if (url.hash !== '') return 'Não pode ter fragmento (#).'
  const host = hostOf(url)
  const local = rule.allowsLoopback && isLoopback(host)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return 'Deve começar com https://.'
  const port = url.port === '' ? HTTPS_PORT : Number(url.port)
  if (port !== HTTPS_PORT && port < COMMON_PORT_MIN && !local) return 'Esta porta não é aceita.'
  if (isIP(host) !== 0) return isAllowedAddress(host, rule) ? undefined : 'Este endereço não é público.'
  if (!local && (INTERNAL_NAME.test(host) || !host.includes('.'))) return 'Este endereço não é público.'
  return undefined
}

/** The host of a URL as `node:net` names it: without brackets and without the dot of the root. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')

/** The names of this machine (RFC 6761): no name server is asked for them. */
export const isLocalhost = (host: string): boolean => /(^|\.)localhost\.?$/.test(host)

const isLoopback = (host: string): boolean =>
  isLocalhost(host) || host === '::1' || (isIP(host) === 4 && loopback.check(host, 'ipv4'))
