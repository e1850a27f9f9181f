import { posicaoOfId } from '@fluxo/shared/stream/keys'
import type { Stream } from './redis-streams.ts'
import * as streams from './redis-streams.ts'

type Text = { text: string; until: number }
export type Value = Stream | Text

/** The keys, as a command or a script sees them. */
export type Store = {
  now(): number
  stream(key: string): Stream | undefined
  text(key: string): string | undefined
  put(key: string, value: Value): void
  delete(key: string): boolean
  /** Says that a stream has got an entry. */
  added(key: string): void
  /** Whether the entry that is being added finds no memory. */
  outOfMemory(): boolean
}

type Command = (store: Store, args: readonly string[]) => unknown

const unlink: Command = (store, [key = '']) => (store.delete(key) ? 1 : 0)

const xadd: Command = (store, args) => {
  const [key = ''] = args
  const stream = store.stream(key) ?? streams.emptyStream()
  streams.add(stream, stream.top + 1, args.slice(args.indexOf('*') + 1))
  store.put(key, stream)
  return streams.idOf(stream.top)
}

const xgroup: Command = (store, [, key = '', name = '', from = '']) => {
  const stream = store.stream(key) ?? streams.emptyStream()
  if (stream.groups.has(name)) throw new Error('BUSYGROUP Consumer Group name already exists')
  const delivered = from === '$' ? stream.top : posicaoOfId(from)
  stream.groups.set(name, { delivered, pending: new Map(), consumers: new Map() })
  store.put(key, stream)
  return 'OK'
}

const xinfo: Command = (store, [, key = '']) => {
  const stream = store.stream(key)
  if (stream === undefined) throw new Error('ERR no such key')
  return streams.info(stream)
}

const xack: Command = (store, [key = '', name = '', ...ids]) => {
  const group = store.stream(key)?.groups.get(name)
  return group === undefined ? 0 : streams.acknowledge(group, ids)
}

const xpending: Command = (store, [key = '', name = '', first = '', last = '', count = '', consumer = '']) => {
  const { group } = groupIn(store, key, name, 'XPENDING')
  return streams.pendingOf(group, { first, last, count: Number(count), consumer, now: store.now() })
}

const xautoclaim: Command = (store, [key = '', name = '', consumer = '', idle = '', from = '', , count = '']) => {
  const { stream, group } = groupIn(store, key, name, 'XAUTOCLAIM')
  const page = { consumer, idleMs: Number(idle), from: posicaoOfId(from), count: Number(count), now: store.now() }
  return streams.autoclaim(stream, group, page)
}

/** A stream and its group, or the error that names what is missing. */
function groupIn(store: Store, key: string, name: string, command: string) {
  const stream = store.stream(key)
  const group = stream?.groups.get(name)
  if (stream === undefined || group === undefined) {
    throw new Error(`NOGROUP No such key '${key}' or consumer group '${name}' in ${command}`)
  }
  return { stream, group }
}

/** An XREADGROUP as it was asked. */
type GroupRead = { key: string; blockMs: number | undefined; perform: () => unknown }

/** Reads the arguments of XREADGROUP; `perform` may be tried again until it gives something else than null. */
export function groupRead(store: Store, args: readonly string[]): GroupRead {
  const [, name = '', consumer = '', , count = ''] = args
  const [key = '', from = ''] = args.slice(-2)
  const read = from === '>' ? streams.readNew : streams.readOwn
  return {
    key,
    blockMs: args[5] === 'BLOCK' ? Number(args[6]) : undefined,
    perform: () => {
      const { stream, group } = groupIn(store, key, name, 'XREADGROUP with GROUP option')
      const entries = read(stream, group, consumer, Number(count), store.now())
      return from === '>' && entries.length === 0 ? null : [[key, entries]]
    },
  }
}

/** Commands that are done at one moment and know nothing of connections. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['MGET', (store, keys) => keys.map((key) => store.text(key) ?? null)],
  ['UNLINK', unlink],
  ['XLEN', (store, [key = '']) => store.stream(key)?.entries.size ?? 0],
  ['XADD', xadd],
  ['XGROUP', xgroup],
  ['XINFO', xinfo],
  ['XACK', xack],
  ['XPENDING', xpending],
  ['XAUTOCLAIM', xautoclaim],
])
