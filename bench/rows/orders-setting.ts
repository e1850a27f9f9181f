import { createNewId } from '@fluxo/shared/id'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { Redis } from 'ioredis'
import { WRITE_SETTINGS } from '../../apps/entregas/src/app.ts'
import { createPedidoStore } from '../../apps/entregas/src/mover/store.ts'
import { receberPedido } from '../../apps/entregas/src/receber/receber.ts'
import { waitUntil } from '../../scripts/local/wait-until.ts'
import { withSql } from '../check.ts'
import { readFollowed, readUltima } from '../check-orders.ts'
import type { Bench } from '../context.ts'
import { createOrders } from '../orders.ts'
import type { Database } from '../servers.ts'

/** The flow off: orders move only where they are told to. And on, without a pause between its steps. */
export const MANUAL = { ENTREGAS_FLUXO: 'manual' }
export const AT_ONCE = { ENTREGAS_FLUXO: 'automatico', ENTREGAS_ATRASO_MS: '0' }

const ONLY_PARTICAO = 1
const ORDERS_OF_STATEMENT = 500
const SEED = 11
const FOLLOW_TIMEOUT_MS = 60_000
const FOLLOW_POLL_MS = 20

/** Forgets the streams of the databases before. */
export const emptyRedis = async ({ servers }: Bench): Promise<void> => {
  const redis = new Redis(servers.redisUrl, { maxRetriesPerRequest: 0 })
  try {
    await redis.flushall()
  } finally {
    redis.disconnect()
  }
}

type ToReceive = {
  /** Whose the order with this number is. */
  merchantOf: (n: number) => string
  count: number
  /** Makes the id of the order with this number of a fresh UUIDv7. */
  idOf?: (n: number, uuid: string) => string
}

/**
 * Puts orders into the database by the service's own store, and answers their ids in order. What is one statement belongs to
 * several merchants, as group commit makes them.
 */
export const receiveOrders = async (bench: Bench, database: Database, what: ToReceive): Promise<string[]> => {
  const { merchantOf, count, idOf = (_n: number, uuid: string) => uuid } = what
  const sql = createSql({ url: database.appUrl, max: 1, name: 'bench fill', settings: WRITE_SETTINGS })
  const store = createPedidoStore({ sql, particoes: ONLY_PARTICAO, onCommit: () => {} })
  const next = createOrders({ seed: SEED, plain: bench.options.plain })
  const newId = createNewId()
  const ids: string[] = []
  try {
    while (ids.length < count) {
      bench.check()
      const orders = Array.from({ length: Math.min(ORDERS_OF_STATEMENT, count - ids.length) }, () => {
        const { customerName, address, valor } = next()
        const id = idOf(ids.length, newId())
        const comercianteId = merchantOf(ids.length)
        ids.push(id)
        const pedido = receberPedido({ customerName, address, valor }, { comercianteId, id, now: new Date() })
        return { pedido, eventoId: newId(), actor: comercianteId, source: 'api' as const }
      })
      await store.receberLote(orders)
    }
  } finally {
    await closeSql(sql)
  }
  return ids
}

/** Waits until a running instance has published the whole log and its followers have read it. */
export const followed = (database: Database): Promise<void> =>
  withSql(database.ownerUrl, async (sql) => {
    const ultima = await readUltima(sql)
    const done = await waitUntil(async () => (await readFollowed(sql)) >= ultima, {
      timeoutMs: FOLLOW_TIMEOUT_MS,
      everyMs: FOLLOW_POLL_MS,
    })
    if (!done) throw new Error('the orders to begin with were not read by their followers')
  })
