import { COMMANDS, groupRead, type Store, type Value } from './redis-commands.ts'
import { SCRIPT_TEXTS, type Scripts } from './redis-scripts.ts'
import type { Outcome } from './wire.ts'

type Reply = (outcome: Outcome) => void
type Blocked = { client: number; key: string; read: () => Outcome; reply: Reply }

export type RedisServer = {
  readonly store: Store
  up(): boolean
  /** The id of this run. */
  run(): string
  setUp(up: boolean): void
  /** Gives a new connection its number. */
  connect(): number
  /** Does one command of the connection `client`. A read that blocks replies later. */
  execute(client: number, command: string, args: readonly string[], reply: Reply): void
  /** Forgets what a connection that is gone was waiting for. */
  forget(client: number): void
  /** Keeps what is stored now, for `restart`. */
  keep(): void
  /** Comes back as another run of the server: with what was last kept, or with everything. */
  restart(lost: boolean): void
  flush(): void
  loseGroups(): void
  /** Lets the entry after `skip` others find no memory. */
  fill(skip: number): void
}

type RedisServerDeps = {
  now: () => number
  after: (ms: number, run: () => void) => void
  /** Whether readers are told when the stream under them is deleted, as Redis does since 7.2. */
  tellsDeleted: boolean
  scripts: Scripts
}

const RUN_ID_DIGITS = 40

/** What Redis does with the commands that this product uses. `conformance.int.test.ts` compares it with a real one. */
export function createRedisServer(deps: RedisServerDeps): RedisServer {
  const { now, after, tellsDeleted } = deps
  const readers = createReaders(after)
  const memory = createMemory(now, readers)
  const { store } = memory
  const scripts = createScriptCache(deps.scripts, store)
  let run = 1
  let up = true
  let clients = 0

  const runId = (): string => String(run).padEnd(RUN_ID_DIGITS, 'f')
  const perform = (client: number, command: string, args: readonly string[]): unknown => {
    const known = COMMANDS.get(command)
    if (known !== undefined) return known(store, args)
    if (command === 'EVALSHA' || command === 'EVAL') return scripts.run(command, args)
    // Its first eight characters are what entries of the cache are marked with.
    if (command === 'INFO') return `# Server\r\nrun_id:${runId()}\r\n`
    if (command === 'CLIENT') return args[0] === 'ID' ? client : readers.unblock(Number(args[1]))
    throw new Error(`the simulation does not know ${command}`)
  }
  return {
    store,
    up: () => up,
    run: runId,
    setUp: (is) => {
      up = is
    },
    connect: () => ++clients,
    execute: (client, command, args, reply) => {
      if (command !== 'XREADGROUP') return reply(attempt(() => perform(client, command, args)))
      const { key, blockMs, perform: read } = groupRead(store, args)
      const first = attempt(read)
      if (blockMs === undefined || isSomething(first)) reply(first)
      else readers.block({ client, key, read: () => attempt(read), reply }, blockMs)
    },
    forget: readers.forget,
    keep: memory.keep,
    restart: (lost) => {
      if (lost) memory.restore()
      scripts.forget()
      readers.forgetAll()
      run += 1
    },
    flush: () => {
      memory.clear()
      if (tellsDeleted) readers.refuse('UNBLOCKED the stream key no longer exists')
    },
    loseGroups: () => {
      memory.loseGroups()
      readers.refuse('NOGROUP the consumer group this client was blocked on no longer exists')
    },
    fill: memory.fill,
  }
}

const isSomething = (outcome: Outcome): boolean => 'error' in outcome || outcome.value !== null

function attempt(work: () => unknown): Outcome {
  try {
    return { value: work() }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

/** Clients that wait for an entry, in the order in which they came. */
function createReaders(after: RedisServerDeps['after']) {
  let blocked: Blocked[] = []
  const end = (one: Blocked, outcome: Outcome): void => {
    blocked = blocked.filter((other) => other !== one)
    one.reply(outcome)
  }
  return {
    block: (one: Blocked, ms: number): void => {
      blocked.push(one)
      after(ms, () => {
        if (blocked.includes(one)) end(one, { value: null })
      })
    },
    serve: (key: string): void => {
      for (const one of blocked.filter((other) => other.key === key)) {
        const outcome = one.read()
        if (isSomething(outcome)) end(one, outcome)
      }
    },
    unblock: (client: number): number => {
      const waiting = blocked.find((one) => one.client === client)
      if (waiting !== undefined) end(waiting, { value: null })
      return waiting === undefined ? 0 : 1
    },
    refuse: (message: string): void => {
      for (const one of blocked) end(one, { error: new Error(message) })
    },
    forget: (client: number): void => {
      blocked = blocked.filter((one) => one.client !== client)
    },
    forgetAll: (): void => {
      blocked = []
    },
  }
}

/** The keys, and what is left of them after a loss. */
function createMemory(now: () => number, readers: ReturnType<typeof createReaders>) {
  let keys = new Map<string, Value>()
  let kept = new Map<string, Value>()
  let skipBeforeFull: number | undefined
  const store: Store = {
    now,
    stream: (key) => {
      const value = keys.get(key)
      return value !== undefined && 'entries' in value ? value : undefined
    },
    text: (key) => {
      const value = keys.get(key)
      return value !== undefined && 'text' in value && value.until > now() ? value.text : undefined
    },
    put: (key, value) => void keys.set(key, value),
    delete: (key) => keys.delete(key),
    added: readers.serve,
    outOfMemory: () => {
      if (skipBeforeFull === undefined) return false
      const full = skipBeforeFull === 0
      skipBeforeFull = full ? undefined : skipBeforeFull - 1
      return full
    },
  }
  return {
    store,
    keep: (): void => {
      kept = structuredClone(keys)
    },
    restore: (): void => {
      keys = structuredClone(kept)
    },
    clear: (): void => {
      keys = new Map()
    },
    loseGroups: (): void => {
      for (const value of keys.values()) if ('groups' in value) value.groups.clear()
    },
    fill: (skip: number): void => {
      skipBeforeFull = skip
    },
  }
}

/** Scripts are known by their digest once their text was sent; a restart forgets them. */
function createScriptCache(semantics: Scripts, store: Store) {
  const known = new Set<string>()
  return {
    forget: () => known.clear(),
    run: (command: 'EVAL' | 'EVALSHA', [first = '', count = '', ...rest]: readonly string[]): unknown => {
      const found = SCRIPT_TEXTS.find(([, { lua, sha }]) => first === (command === 'EVAL' ? lua : sha))
      if (found === undefined) throw new Error('the simulation does not know this script')
      const [name, { sha }] = found
      if (command === 'EVALSHA' && !known.has(sha)) throw new Error('NOSCRIPT No matching script. Please use EVAL.')
      known.add(sha)
      return semantics[name](store, rest.slice(0, Number(count)), rest.slice(Number(count)))
    },
  }
}
