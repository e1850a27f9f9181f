import { BlockList, isIP } from 'node:net'

/** What a webhook may point at: public addresses over TLS; loopback and plain HTTP only where a developer says so. */
export type RegraDeAlvo = { permiteLoopback: boolean }

/** Characters of a target's URL. */
export const URL_CARACTERES_MAX = 2_000
/** HTTPS, its common second port, and what is no system port: nobody sends mail or speaks to a database through us. */
const PORTA_HTTPS = 443
const PORTA_COMUM_MIN = 1_024

/** IANA's special-purpose registry: nothing in it is a public receiver. Metadata services of clouds live in 169.254/16 and 100.64/10. */
const IPV4_RESERVADOS: readonly (readonly [rede: string, prefixo: number])[] = [
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
const IPV6_RESERVADOS: readonly (readonly [rede: string, prefixo: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const lista = (redes: readonly (readonly [string, number])[], familia: 'ipv4' | 'ipv6'): BlockList => {
  const block = new BlockList()
  for (const [rede, prefixo] of redes) block.addSubnet(rede, prefixo, familia)
  return block
}
const reservadosV4 = lista(IPV4_RESERVADOS, 'ipv4')
const reservadosV6 = lista(IPV6_RESERVADOS, 'ipv6')
const globalV6 = lista([IPV6_GLOBAL], 'ipv6')
const loopback = lista([['127.0.0.0', 8]], 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** True where we may connect to this IP address. An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) is never one of a receiver. */
export function enderecoPermitido(ip: string, { permiteLoopback }: RegraDeAlvo): boolean {
  switch (isIP(ip)) {
    case 4:
      return !reservadosV4.check(ip, 'ipv4') || (permiteLoopback && loopback.check(ip, 'ipv4'))
    case 6:
      if (permiteLoopback && ip === '::1') return true
      return globalV6.check(ip, 'ipv6') && !reservadosV6.check(ip, 'ipv6')
    default:
      return false
  }
}

/** Names that never leave a network, whatever a resolver says. */
const NOME_INTERNO = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|localdomain|arpa|test|invalid|onion)$/

/**
 * Why a URL may not be a target; `undefined` where it may, as far as its text tells. What its name resolves to is checked
 * when we connect.
 *
 * The WHATWG parser has normalised the host before we look: decimal, octal, hex and short IPv4 forms are dotted by then.
 */
export function motivoDoAlvo(texto: string, regra: RegraDeAlvo): string | undefined {
  if (texto.length > URL_CARACTERES_MAX) return `Deve ter no máximo ${URL_CARACTERES_MAX} caracteres.`
  const url = URL.parse(texto)
  if (url === null) return 'Deve ser uma URL.'
  if (url.username !== '' || url.password !== '') return 'Não pode ter usuário ou senha.'
  if (url.hash !== '') return 'Não pode ter fragmento (#).'
  const host = hostDe(url)
  const local = regra.permiteLoopback && ehLoopback(host)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) return 'Deve começar com https://.'
  const porta = url.port === '' ? PORTA_HTTPS : Number(url.port)
  if (porta !== PORTA_HTTPS && porta < PORTA_COMUM_MIN && !local) return 'Esta porta não é aceita.'
  if (isIP(host) !== 0) return enderecoPermitido(host, regra) ? undefined : 'Este endereço não é público.'
  if (!local && (NOME_INTERNO.test(host) || !host.includes('.'))) return 'Este endereço não é público.'
  return undefined
}

/** The host of a URL as `node:net` names it: without brackets and without the dot of the root. */
const hostDe = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')

/** The names of this machine (RFC 6761): no name server is asked for them. */
export const ehLocalhost = (host: string): boolean => /(^|\.)localhost\.?$/.test(host)

const ehLoopback = (host: string): boolean =>
  ehLocalhost(host) || host === '::1' || (isIP(host) === 4 && loopback.check(host, 'ipv4'))
