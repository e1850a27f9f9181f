import { setTimeout as delay } from 'node:timers/promises'
import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import type { Service } from '../../stage/services.ts'
import { waitFor } from '../../stage/wait-for.ts'
import type { PostgresServer } from '../servers.ts'
import type { World } from '../world.ts'
import type { Aim, Fault, Heal } from './fault.ts'

const AGAIN_MS = 300
const BACK_TIMEOUT_MS = 60_000
/** More than `max_connections`: the server says when there are no more. */
const STRANGERS_MAX = 100

const serverOf = (world: World, { service }: Aim): PostgresServer => world.postgres[service]

/** Starts the server where it has ended, until it answers. */
const bringBack = async (server: PostgresServer): Promise<void> => {
  const answers = async (): Promise<boolean> => {
    await server.start()
    return (await server.sql`select 1`).length === 1
  }
  await waitFor(answers, {
    timeoutMs: BACK_TIMEOUT_MS,
    intervalMs: AGAIN_MS,
    what: `the database of ${server.service}`,
  })
}

const endServer = (signal: NodeJS.Signals) => async (world: World, aim: Aim) => {
  const server = serverOf(world, aim)
  await server.end(signal)
  return () => bringBack(server)
}

const terminate = (server: PostgresServer): Promise<unknown> => server.sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and usename = ${server.service}`

/** Repeats `act` until healed. */
const repeatedly = (act: () => Promise<unknown>): Heal => {
  let healed = false
  const going = (async () => {
    while (!healed) {
      await act().catch(() => {})
      await delay(AGAIN_MS)
    }
  })()
  return async () => {
    healed = true
    await going
  }
}

/** Takes every connection that the service's role may have, and ends those of the service so that it must ask for new ones. */
const takeConnections = async (world: World, aim: Aim): Promise<Heal> => {
  const server = serverOf(world, aim)
  const strangers: Sql[] = []
  const fill = async () => {
    while (strangers.length < STRANGERS_MAX) {
      const stranger = createSql({ url: server.appUrl(), max: 1, name: 'stranger' })
      strangers.push(stranger)
      await stranger`select 1`
    }
  }
  await fill().catch(() => {})
  const healed = repeatedly(async () => {
    await server.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where usename = ${server.service} and application_name <> 'stranger'`
    await fill()
  })
  return async () => {
    await healed()
    await Promise.all(strangers.map(closeSql))
  }
}

/** The table whose row every write needs. */
const BUSIEST: Readonly<Record<Service, string>> = {
  ...{ lancamentos: 'posicao', entregas: 'posicao', consolidado: 'inbox_particao', avisos: 'inbox_pedidos' },
}

/** Leaves a transaction open: over the row that every write needs, or merely over a row that it wrote itself. */
const holdTransaction = async (world: World, aim: Aim): Promise<Heal> => {
  const server = serverOf(world, aim)
  const settings = { idle_in_transaction_session_timeout: '0', statement_timeout: '30000' }
  const transactions = createTransactions({ url: server.ownerUrl, max: 1, name: 'chaos', settings })
  const begun = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const ended = transactions.run(async (tx) => {
    if (aim.choice < 0.5) await tx.unsafe(`select from ${BUSIEST[aim.service]} for update`)
    else await tx.unsafe('select pg_current_xact_id()')
    begun.resolve()
    await over.promise
  })
  ended.catch(begun.reject)
  await begun.promise
  return async () => {
    over.resolve()
    await ended.catch(() => {})
    await transactions.close()
  }
}

/** Takes the last byte of the disk; in half of the cases a new file of the write-ahead log is due then, and the server panics. */
const fillDisk = async (world: World, aim: Aim): Promise<Heal> => {
  const server = serverOf(world, aim)
  const { disk } = server
  if (typeof disk === 'string') throw new Error(disk)
  await disk.fill()
  // Not waited for: it may hang, or end with the server.
  if (aim.choice < 0.5) void server.sql`select pg_switch_wal()`.catch(() => {})
  return async () => {
    await disk.free()
    await bringBack(server)
  }
}

/** What happens to one of the PostgreSQL servers itself. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'postgres-restart',
    what: 'a fast shutdown, and back',
    holdMs: [0, 2_000],
    hits: 'database',
    inject: endServer('SIGINT'),
  },
  {
    name: 'postgres-kill',
    what: 'an immediate end, and recovery',
    holdMs: [0, 3_000],
    hits: 'database',
    inject: endServer('SIGQUIT'),
  },
  {
    name: 'postgres-terminate',
    what: "pg_terminate_backend of the service's sessions, again and again",
    holdMs: [1_500, 4_000],
    hits: 'database',
    inject: async (world, aim) => repeatedly(() => terminate(serverOf(world, aim))),
  },
  {
    name: 'postgres-connections',
    what: "every connection is a stranger's",
    holdMs: [2_000, 5_000],
    hits: 'database',
    inject: takeConnections,
  },
  {
    name: 'postgres-long-transaction',
    what: 'an idle transaction, with the lock of the row that every write needs or without',
    holdMs: [3_000, 8_000],
    hits: 'database',
    inject: holdTransaction,
  },
  {
    name: 'postgres-disk-full',
    what: 'no byte left on its disk; the write-ahead log has room or has not',
    holdMs: [2_000, 5_000],
    hits: 'database',
    impossible: ({ postgres }) =>
      typeof postgres.lancamentos.disk === 'string' ? postgres.lancamentos.disk : undefined,
    inject: fillDisk,
  },
]
