import { EventEmitter } from 'node:events'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Redis } from 'ioredis'
import type { Process } from '../process.ts'
import type { RedisServer } from './redis-server.ts'
import type { Line, Wire } from './wire.ts'

type Purpose = 'comandos' | 'cache' | 'leitor'

/** The connections of one process to the simulated Redis, and what may befall them. */
export type SimulatedRedis = RedisConnections & {
  /** Breaks connections: those of one purpose, or all. */
  cut(purpose?: Purpose): void
}

/** What a planted bug makes of the commands: other arguments, or another reading of the reply. */
export type RedisHabits = {
  sends?: (command: string, args: readonly string[]) => readonly string[]
  hears?: (command: string, value: unknown) => unknown
}

type SimulatedRedisDeps = { wire: Wire; server: RedisServer; process: Process; habits?: RedisHabits }

/** A connection is made anew this long after it broke, and tried again as long after that. */
const RECONNECT_MS = { least: 50, most: 150 }
const CONNECT_MS = 2

/** Connections as `createRedisConnections` makes them: the same names, the same way to fail. */
export function createSimulatedRedis(deps: SimulatedRedisDeps): SimulatedRedis {
  const { process, server } = deps
  const connections = new Set<Connection>()
  const open = (purpose: Purpose): Connection => {
    const connection = new Connection(deps, purpose, () => connections.delete(connection))
    connections.add(connection)
    return connection
  }
  const commands = open('comandos')
  const cache = open('cache')
  process.onEnd(() => {
    for (const connection of connections) server.forget(connection.id)
  })
  return {
    commands: commands.asRedis(),
    cache: cache.asRedis(),
    blocking: () => open('leitor').asRedis(),
    status: () => (commands.status === 'ready' ? 'up' : 'down'),
    ready: async () => commands.status === 'ready',
    close: async () => {
      for (const connection of connections) connection.disconnect()
    },
    cut: (purpose) => {
      for (const connection of [...connections]) {
        if (purpose === undefined || connection.purpose === purpose) connection.lose()
      }
    },
  }
}

/**
 * One connection with the behaviour of ioredis that the product relies on: commands in order, a status, events when it is
 * ready, closes and ends, and rejection of whatever was in flight when it broke.
 */
class Connection extends EventEmitter {
  readonly isCluster = false
  readonly id: number
  readonly purpose: Purpose
  status: 'connecting' | 'ready' | 'reconnecting' | 'end' = 'connecting'
  readonly #deps: SimulatedRedisDeps
  readonly #line: Line
  readonly #forget: () => void

  constructor(deps: SimulatedRedisDeps, purpose: Purpose, forget: () => void) {
    super()
    this.setMaxListeners(0)
    this.purpose = purpose
    this.id = deps.server.connect()
    this.#deps = deps
    this.#forget = forget
    const { wire, process } = deps
    this.#line = wire.line({ process, ordered: true, broken: () => new Error('Connection is closed.') })
    this.#line.onLoss = () => this.lose()
    process.deliver(CONNECT_MS, () => this.#connect())
  }

  /** The product knows ioredis' type; what it calls of it is here, and anything else fails at once. */
  asRedis(): Redis {
    return this as unknown as Redis
  }

  /** Breaks, as seen from here a moment later. */
  lose(): void {
    const { process, server, wire } = this.#deps
    if (this.status === 'end' || !process.alive()) return
    server.forget(this.id)
    wire.cut(this.#line)
    process.deliver(0, () => this.#closed())
  }

  disconnect(): void {
    if (this.status === 'end') return
    const { server, wire } = this.#deps
    server.forget(this.id)
    wire.cut(this.#line)
    this.#end()
  }

  #connect(): void {
    if (this.status === 'end' || this.status === 'ready') return
    if (!this.#deps.server.up()) this.#closed()
    else {
      this.status = 'ready'
      this.emit('ready')
    }
  }

  #closed(): void {
    if (this.status === 'end') return
    this.emit('close')
    if (this.purpose === 'leitor') this.#end()
    else {
      this.status = 'reconnecting'
      const { process } = this.#deps
      process.deliver(process.random.int(RECONNECT_MS.least, RECONNECT_MS.most), () => this.#connect())
    }
  }

  #end(): void {
    this.status = 'end'
    this.#forget()
    this.emit('end')
  }

  #send<T>(command: string, ...args: readonly (string | number)[]): Promise<T> {
    const { wire, server, habits } = this.#deps
    if (this.status !== 'ready') return Promise.reject(this.#line.broken())
    const texts = habits?.sends?.(command, args.map(String)) ?? args.map(String)
    const hears = habits?.hears
    const answer = wire.send<T>({
      line: this.#line,
      what: command,
      up: server.up,
      refusal: () => new Error('LOADING Redis is loading the dataset in memory'),
      execute: (reply) => server.execute(this.id, command, texts, reply),
    })
    return hears === undefined ? answer : answer.then((value) => hears(command, value) as T)
  }

  readonly client = (...args: string[]) => this.#send('CLIENT', ...args)
  readonly evalsha = (...args: (string | number)[]) => this.#send('EVALSHA', ...args)
  readonly eval = (...args: (string | number)[]) => this.#send('EVAL', ...args)
  readonly info = (section: string) => this.#send<string>('INFO', section)
  readonly mget = (...keys: string[]) => this.#send('MGET', ...keys)
  readonly unlink = (key: string) => this.#send('UNLINK', key)
  readonly xack = (...args: string[]) => this.#send('XACK', ...args)
  readonly xadd = (...args: (string | number)[]) => this.#send('XADD', ...args)
  readonly xautoclaim = (...args: (string | number)[]) => this.#send('XAUTOCLAIM', ...args)
  readonly xgroup = (...args: string[]) => this.#send('XGROUP', ...args)
  readonly xinfo = (...args: string[]) => this.#send('XINFO', ...args)
  readonly xlen = (key: string) => this.#send('XLEN', key)
  readonly xpending = (...args: (string | number)[]) => this.#send('XPENDING', ...args)
  readonly xreadgroup = (...args: (string | number)[]) => this.#send('XREADGROUP', ...args)
}
