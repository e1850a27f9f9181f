import { closeSql, createSql, type Sql, type SqlOptions } from './sql.ts'

/** A connection inside a transaction. */
export type Tx = Sql

export type Transactions = {
  /** Runs `work` in one transaction: commits what it returns, rolls back what it throws. */
  run: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  close: () => Promise<void>
}

/** The connection under a transaction is gone, and the transaction with it. `code` as postgres.js' own errors have it. */
class TransactionLost extends Error {
  readonly code = 'CONNECTION_CLOSED'
  constructor() {
    super('the connection was lost in the middle of a transaction')
    this.name = 'TransactionLost'
  }
}

/** A client of one connection, and how often that connection has closed. */
type Client = { sql: Sql; closes: () => number }

const openClient = (options: SqlOptions): Client => {
  let closes = 0
  const onclose = () => {
    closes += 1
  }
  return { sql: createSql({ ...options, max: 1, onclose }), closes: () => closes }
}

/** `sql` until its connection closes; from then on it throws, since a new connection would be outside the transaction. */
const whileOpen = ({ sql, closes }: Client): Tx => {
  const opened = closes()
  const check = (): void => {
    if (closes() !== opened) throw new TransactionLost()
  }
  return new Proxy(sql, {
    apply: (target, self, args) => {
      check()
      return Reflect.apply(target, self, args)
    },
    get: (target, name) => {
      check()
      return Reflect.get(target, name)
    },
  })
}

/**
 * Transactions, `max` at a time, each with plain BEGIN and COMMIT on a client of one connection that nobody else uses.
 *
 * postgres.js 3.4.9 offers two ways of its own, and neither survives a connection that breaks. `sql.begin` beside plain
 * queries loses acknowledged writes (see `createSql`). `reserve()` ends the process: it needs `fetch_types`, whose query
 * nobody catches when the connection is cut under it, and after a cut `release` puts the dead connection back for the next.
 */
export const createTransactions = (options: SqlOptions): Transactions => {
  const clients = new Set<Client>()
  const idle: Client[] = []
  const waiting: ((client: Client) => void)[] = []

  const take = async (): Promise<Client> => {
    const client = idle.pop()
    if (client) return client
    if (clients.size < options.max) {
      const opened = openClient(options)
      clients.add(opened)
      return opened
    }
    const { promise, resolve } = Promise.withResolvers<Client>()
    waiting.push(resolve)
    return promise
  }
  const give = (client: Client): void => {
    const next = waiting.shift()
    if (next) next(client)
    else idle.push(client)
  }
  const inTransaction = async <T>(client: Client, work: (tx: Tx) => Promise<T>): Promise<T> => {
    await client.sql`begin`
    const tx = whileOpen(client)
    try {
      const result = await work(tx)
      await tx`commit`
      return result
    } catch (error) {
      // Where the connection is gone the server has rolled back, or will.
      await Promise.try(() => tx`rollback`).catch(() => {})
      throw error
    }
  }
  return {
    run: async (work) => {
      const client = await take()
      try {
        return await inTransaction(client, work)
      } finally {
        give(client)
      }
    },
    close: async () => {
      await Promise.all([...clients].map(({ sql }) => closeSql(sql)))
    },
  }
}
