import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

/** nginx's memory as a product: what all connections may take together, by its configuration, is less than its container has. */
const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..', '..')
const K = 1_024
const M = K * K
const UNITS: Readonly<Record<string, number>> = { '': 1, k: K, m: M, g: K * M }

const bytesOf = (text: string): number => {
  const [, digits = '', unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
  if (digits === '') throw new Error(`no size: ${text}`)
  return Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN)
}

const files = ['nginx.conf', 'tls/tls.conf', ...readdirSync(join(here, 'fluxo')).map((name) => `fluxo/${name}`)]
const configuration = files
  .filter((name) => /\.conf(\.template)?$/.test(name))
  .map((name) => readFileSync(join(here, name), 'utf8').replaceAll(/^\s*#.*$/gm, ''))
  .join('\n')

/** The arguments of every place where a directive stands. */
const allOf = (directive: string): string[][] =>
  [...configuration.matchAll(new RegExp(`^\\s*${directive}\\s+([^;\\n]+);`, 'gm'))].map(([, text = '']) =>
    text.trim().split(/\s+/),
  )

/** Of a directive that stands in one place only, so that no location has another value. */
const oneOf = (directive: string): string[] => {
  const [found = [], ...others] = allOf(directive)
  expect(others, directive).toEqual([])
  return found
}
const sizeOf = (directive: string): number => bytesOf(oneOf(directive)[0] ?? '')
const buffersOf = (directive: string): number => {
  const [count = '', size = ''] = oneOf(directive)
  return Number(count) * bytesOf(size)
}

type Nginx = {
  tmpfs: string[]
  sysctls: Readonly<Record<string, string>>
  environment: Readonly<Record<string, string>>
  deploy: { resources: { limits: { memory: string } } }
}
const compose = (file: string): Nginx =>
  (parse(readFileSync(join(root, file), 'utf8'), { logLevel: 'error' }) as { services: { nginx: Nginx } }).services
    .nginx
const nginx = compose('docker-compose.yml')
const memory = bytesOf(nginx.deploy.resources.limits.memory)
const tmpfs = nginx.tmpfs.map((mount) => bytesOf(/size=(\w+)/.exec(mount)?.[1] ?? '')).reduce((a, b) => a + b, 0)

/** The most that the kernel keeps for one socket in one direction, by nginx's own namespace. */
const socketMax = (name: string, place: 1 | 2): number => Number(nginx.sysctls[name]?.split(' ')[place])
const sendMax = socketMax('net.ipv4.tcp_wmem', 2)
const receiveMax = socketMax('net.ipv4.tcp_rmem', 2)
/** A receive buffer grows only while it is read. */
const receiveUnread = socketMax('net.ipv4.tcp_rmem', 1)

const limitOf = (zone: string): number => {
  const limit = allOf('limit_conn').find(([name]) => name === zone)?.[1] ?? ''
  const setting = /^\$\{(\w+)\}$/.exec(limit)?.[1]
  const value = setting === undefined ? limit : /:-(\d+)\}$/.exec(nginx.environment[setting] ?? '')?.[1]
  expect(Number(value), zone).toBeGreaterThan(0)
  return Number(value)
}
const requests = limitOf('em_andamento')
const streams = limitOf('fluxos')
const connections = Number(oneOf('worker_processes')[0]) * Number(oneOf('worker_connections')[0])

/**
 * What no directive says, rounded up. Measured with 4,000 connections: the programs take 8 MB before the first of them and keep some 20
 * when the last has gone; a connection with half a header takes 8.8 KiB beside its buffers, and 1.5 KiB of the kernel; over TLS 30 KiB
 * more, and one record in each direction while it is in use.
 */
const PROGRAM = 40 * M
const POOLS = 12 * K
const SOCKET = 6 * K
const TLS = (30 + 2 * 17) * K

const gzip = (): number => {
  const [window, hash] = [sizeOf('gzip_window'), sizeOf('gzip_hash')]
  // deflate's own words, and 8k of nginx (ngx_http_gzip_filter_memory); a hash of 8k is level 5, 1 << (level + 9).
  return window * 4 + hash * 2 + 8 * K + buffersOf('gzip_buffers')
}

const zones = [...configuration.matchAll(/\bzone[= ](?:\w+[: ])(\d+[km])|shared:\w+:(\d+[km])/g)]
  .map(([, zone, ssl]) => bytesOf(zone ?? ssl ?? ''))
  .reduce((a, b) => a + b, 0)

const half = POOLS + SOCKET + sizeOf('client_header_buffer_size') + buffersOf('large_client_header_buffers')
const answer = sizeOf('proxy_buffer_size') + buffersOf('proxy_buffers') + gzip()
const unread = sendMax + receiveUnread
const request = half + (sizeOf('client_body_buffer_size') * 5) / 4 + answer + SOCKET + unread + receiveMax
const stream = half + sizeOf('proxy_buffer_size') + SOCKET + unread + receiveUnread

/** Each request and each stream has a connection to a service beside its own; all others hold headers that never end. */
const sum = (perClient: number): number =>
  PROGRAM +
  zones +
  tmpfs +
  requests * request +
  streams * stream +
  (connections - 2 * requests - 2 * streams) * half +
  (connections - requests - streams) * perClient

test('all connections together, each with all its buffers, fit into the container', () => {
  expect(sum(0)).toBeLessThan(memory)
})

test('over TLS they fit into what its file gives the container', () => {
  expect(sum(TLS)).toBeLessThan(bytesOf(compose('deploy/compose/tls.yml').deploy.resources.limits.memory))
})

test.each(['endereco', 'token'])('one %s holds at most a quarter of the requests, and of the live streams', (one) => {
  expect(limitOf(`em_andamento_do_${one}`) * 4).toBeLessThanOrEqual(requests)
  expect(limitOf(`fluxos_do_${one}`) * 4).toBeLessThanOrEqual(streams)
})

test('with all requests and streams in progress, most connections are still free for who comes', () => {
  expect(2 * (requests + streams)).toBeLessThanOrEqual(connections / 2)
})

test('the bodies of all requests fit into the folder of temporary files, and larger ones are not kept', () => {
  const body = bytesOf(allOf('client_max_body_size')[0]?.[0] ?? '')
  expect(requests * body).toBeLessThan(tmpfs)
  for (const [, inside = ''] of configuration.matchAll(/\{([^{}]*client_max_body_size[^{}]*)\}/g))
    expect(inside).toContain('proxy_request_buffering off')
})

test('a worker may open a file for each connection and each body', () => {
  const files = Number(oneOf('worker_rlimit_nofile')[0])
  expect(files).toBeGreaterThan(connections / Number(oneOf('worker_processes')[0]) + requests)
})
