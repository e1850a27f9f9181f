/** What happens to one call of an instance to a server. */
export type StepFault = {
  /**
   * `abort`: the server refuses and has done nothing. `lost-request`: it never arrives, the connection breaks.
   * `lost-reply`: done, but the connection breaks before the reply. `slow-reply`: done, the reply takes `ms`.
   * `kill-before`, `kill-after`: the instance dies before the call is sent, or between its effect and the reply.
   */
  what: 'abort' | 'lost-request' | 'lost-reply' | 'slow-reply' | 'kill-before' | 'kill-after'
  ms: number
}

export type Database = 'lancamentos' | 'consolidado' | 'entregas' | 'avisos'

/** Everything that a plan may do to the world. Times are virtual milliseconds. */
export type Fault =
  /**
   * At the given call of the instance, counted over all its lives: of all calls, or of the statement, command or request
   * `on`. `ms`: how late the reply is, or how long a killed one stays away.
   */
  | ({ kind: 'step'; instance: string; on: string | undefined; call: number } & StepFault)
  /** SIGKILL, and started again after `ms`. */
  | { kind: 'kill'; at: number; instance: string; ms: number }
  /** SIGTERM: it leaves in order, and is started again after `ms`. */
  | { kind: 'leave'; at: number; instance: string; ms: number }
  | { kind: 'pause'; at: number; instance: string; ms: number }
  /** The session behind a lease ends at the server; the holder hears of it only when it next asks. */
  | { kind: 'lease-cut'; at: number; lease: string }
  /** A PostgreSQL goes away for `ms`: statements under way are rolled back. */
  | { kind: 'postgres-away'; at: number; database: Database; ms: number }
  /** Whoever uses a PostgreSQL is killed, and it is again what it was `loseMs` before; all are back after `ms`. */
  | { kind: 'postgres-restored'; at: number; database: Database; ms: number; loseMs: number }
  /** All connections to Redis break and none can be made for `ms`; nothing is lost. */
  | { kind: 'redis-away'; at: number; ms: number }
  /** Redis dies, loses its last `loseMs`, and is back after `ms` as another run. */
  | { kind: 'redis-restart'; at: number; ms: number; loseMs: number }
  | { kind: 'redis-flush'; at: number }
  /** One connection of one instance breaks. */
  | { kind: 'redis-cut'; at: number; instance: string; connection: 'comandos' | 'cache' | 'leitor' }
  | { kind: 'group-lost'; at: number }
  /** Redis has no memory for one of the next entries: the one after `skip` others. */
  | { kind: 'redis-full'; at: number; skip: number }
  /** The feed does not answer for `ms`. */
  | { kind: 'feed-away'; at: number; ms: number }
