import type { Random } from '../../stage/random.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Outcome } from './wire.ts'

/** A value on its way into a statement, as postgres.js takes it. */
export type Parameter = string | number | null
export type Row = Readonly<Record<string, unknown>>

/**
 * What one statement means. It is atomic: `run` happens at the moment of its commit, or not at all.
 *
 * `snapshot` is what it sees of the tables from its beginning; `lock` is what it holds from then to its commit, waiting
 * in line for it. What it must see as the last holder left it, it reads in `run`.
 */
export type Statement = {
  /** As the product calls it. */
  name: string
  lock?: (parameters: readonly Parameter[], snapshot: unknown) => string | undefined
  snapshot?: (parameters: readonly Parameter[]) => unknown
  /** Rows of the answer; throws what PostgreSQL says, and then has changed nothing. */
  run: (parameters: readonly Parameter[], snapshot: unknown) => readonly Row[]
}

/** What PostgreSQL, or postgres.js, says. */
export class PostgresError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'PostgresError'
    this.code = code
  }
}

export const connectionLost = (): PostgresError => new PostgresError('CONNECTION_CLOSED', 'write CONNECTION_CLOSED')
export const statementCancelled = (): PostgresError =>
  new PostgresError('57014', 'canceling statement due to user request')

export type PostgresServer = {
  up(): boolean
  /** Whether no statement that writes under a lock is under way. */
  idle(): boolean
  /** Away: whatever was under way is rolled back, every session ends. */
  stop(): void
  start(): void
  execute(name: string, parameters: readonly Parameter[], reply: (outcome: Outcome) => void): void
  /** A session that may hold locks of its own; `ended` hears when the server ends it. */
  session(ended: () => void): PostgresSession
  /** Ends the session that holds a lock; says whether there was one. */
  cutHolder(key: string): boolean
}

export type PostgresSession = { open(): boolean; tryLock(key: string): boolean; end(): void }

/** Most statements take a fraction of a millisecond; some wait for a disk. */
const STATEMENT_LEAST_MS = 0.1

type Waiting = { begin: () => void }

/** What PostgreSQL does around the statements: their order, their locks, their end. */
export function createPostgresServer({ scheduler, random, statements, slowestMs }: PostgresServerDeps): PostgresServer {
  const meanings = new Map(statements.map((meaning) => [meaning.name, meaning]))
  const locks = new Map<string, Waiting[]>()
  const sessions = createSessions()
  let up = true
  /** Statements of an earlier start of the server end without effect. */
  let start = 0

  const meaningOf = (name: string): Statement => {
    const known = meanings.get(name)
    if (known === undefined) throw new Error(`the simulation has no meaning for the statement ${name}`)
    return known
  }
  const release = (lock: string): void => {
    const queue = locks.get(lock)
    queue?.shift()
    if (queue?.length === 0) locks.delete(lock)
    else queue?.[0]?.begin()
  }
  /** Calls `begin` when everybody who came earlier has let go. */
  const acquire = (lock: string, begin: () => void): void => {
    const queue = locks.get(lock) ?? []
    locks.set(lock, queue)
    queue.push({ begin })
    if (queue.length === 1) begin()
  }
  return {
    up: () => up,
    idle: () => locks.size === 0,
    stop: () => {
      up = false
      start += 1
      locks.clear()
      sessions.endAll()
    },
    start: () => {
      up = true
    },
    execute: (name, parameters, reply) => {
      const { snapshot, lock, run } = meaningOf(name)
      const seen = snapshot?.(parameters)
      const held = lock?.(parameters, seen)
      const startedIn = start
      const commit = (): void => {
        if (start !== startedIn) return
        const outcome = outcomeOf(() => run(parameters, seen))
        if (held !== undefined) release(held)
        reply(outcome)
      }
      const begin = (): void => scheduler.quietly(STATEMENT_LEAST_MS + random.next() ** 6 * slowestMs, commit)
      if (held === undefined) begin()
      else acquire(held, begin)
    },
    session: sessions.open,
    cutHolder: sessions.cutHolder,
  }
}

type PostgresServerDeps = {
  scheduler: Scheduler
  random: Random
  statements: readonly Statement[]
  /** What the slowest statements take. */
  slowestMs: number
}

function outcomeOf(run: () => readonly Row[]): Outcome {
  try {
    return { value: run() }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}

type Open = { ended: () => void }

/** Sessions and the advisory locks that live as long as they do. */
function createSessions() {
  const open = new Set<Open>()
  const holders = new Map<string, Open>()
  const end = (session: Open): void => {
    open.delete(session)
    for (const [key, holder] of holders) if (holder === session) holders.delete(key)
  }
  return {
    open: (ended: () => void): PostgresSession => {
      const session = { ended }
      open.add(session)
      return {
        open: () => open.has(session),
        tryLock: (key) => {
          if (!holders.has(key)) holders.set(key, session)
          return holders.get(key) === session
        },
        end: () => end(session),
      }
    },
    cutHolder: (key: string): boolean => {
      const holder = holders.get(key)
      if (holder !== undefined) end(holder)
      return holder !== undefined
    },
    endAll: (): void => {
      for (const session of [...open]) {
        end(session)
        session.ended()
      }
    },
  }
}
