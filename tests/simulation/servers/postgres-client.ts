import { type Lease, leaseOver } from '@fluxo/shared/postgres/lease'
import type { Sql } from '@fluxo/shared/postgres/sql'
import type { Logger } from '@fluxo/shared/telemetry/logger'
import type { Process } from '../process.ts'
import {
  connectionLost,
  type Parameter,
  type PostgresServer,
  type PostgresSession,
  statementCancelled,
} from './postgres-server.ts'
import type { Line, Wire } from './wire.ts'

type SimulatedSql = {
  /** A pool as the product knows it, for single statements. */
  sql: Sql
  /** Breaks its connections. */
  cut(): void
}

type SimulatedSqlDeps = { wire: Wire; server: PostgresServer; process: Process }

/** A pool of one process. Statements travel beside each other: there is no order among them. */
export function createSimulatedSql({ wire, server, process }: SimulatedSqlDeps): SimulatedSql {
  const line = wire.line({ process, ordered: false, broken: connectionLost })
  const unsafe = (_: string, parameters: readonly Parameter[], { name }: { name: string }) =>
    wire.send<readonly Record<string, unknown>[]>({
      line,
      what: name,
      up: server.up,
      refusal: statementCancelled,
      execute: (reply) => server.execute(name, parameters, reply),
    })
  // postgres.js' type is that of its whole product; what is called of it is here, and anything else fails at once.
  const sql = { unsafe } as unknown as Sql
  return { sql, cut: () => wire.cut(line) }
}

type SimulatedLeaseDeps = SimulatedSqlDeps & {
  key: readonly [number, number]
  name: string
  log: Logger
}

/** The product's lease over a simulated session. */
export function createSimulatedLease({ wire, server, process, key, name, log }: SimulatedLeaseDeps): Lease {
  const ask = <T>(line: Line, session: PostgresSession, what: string, work: () => T): Promise<T> =>
    wire.send<T>({
      line,
      what: `${name}: ${what}`,
      up: () => server.up() && session.open(),
      refusal: statementCancelled,
      execute: (reply) => reply({ value: work() }),
    })
  return leaseOver({
    key,
    name,
    log,
    clock: process.clock,
    open: (onclose) => {
      const line = wire.line({ process, ordered: true, broken: connectionLost })
      const session = server.session(() => process.deliver(0, onclose))
      line.onLoss = () => {
        session.end()
        wire.cut(line)
        process.deliver(0, onclose)
      }
      process.onEnd(() => session.end())
      return {
        tryLock: () => ask(line, session, 'try lock', () => session.tryLock(key.join())),
        ping: () => ask(line, session, 'ping', () => {}),
        close: async () => session.end(),
      }
    },
  })
}
