import type { Registry } from 'prom-client'
import type { Process } from '../process.ts'
import type { LedgerDatabase } from '../servers/ledger-database.ts'
import type { PostgresServer } from '../servers/postgres-server.ts'
import type { RedisServer } from '../servers/redis-server.ts'
import type { Wire } from '../servers/wire.ts'
import type { Seams } from './seams.ts'

/** What every instance finds around it. */
export type Servers = {
  wire: Wire
  lancamentos: PostgresServer
  consolidado: PostgresServer
  ledger: LedgerDatabase
  redisServer: RedisServer
  /** A page of the feed from whichever instance of `lancamentos` answers; rejects where none does. */
  feed: (asking: Process, url: string) => Promise<Response>
  particoes: number
  /** How the consolidado is set up in this history. */
  lanes: number
  countMax: number
  /** Whether an instance has the same name in the group after a restart. */
  stableNames: boolean
  seams: Seams
  /** One for all: nobody looks at it. */
  registry: Registry
}
