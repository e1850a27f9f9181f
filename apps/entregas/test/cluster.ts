import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createLimits } from '@fluxo/shared/ratelimit/admission'
import type { LimitsEnv } from '@fluxo/shared/ratelimit/settings'
import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createServiceDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { openDoors, SILENT } from '@fluxo/tests/stage/doors'
import { entregasModule } from '@fluxo/tests/stage/modules/entregas'
import { Registry } from 'prom-client'
import { WRITE_SETTINGS } from '../src/app.ts'
import type { FluxoOptions } from '../src/fluir/fluir.ts'

type ClusterOptions = {
  /** Whether orders move by themselves; they do not, by default. */
  fluxo?: FluxoOptions
  particoes?: number
  /** By which way the instances reach the database; straight, by default. */
  route?: (databaseUrl: string) => string
}

type InstanceOptions = {
  fluxo?: FluxoOptions | undefined
  /** How much a merchant may ask; without, as much as it likes. */
  limits?: LimitsEnv | undefined
  now?: () => Date
}

/** A database of entregas and as many whole instances on it as a test opens, each behind the HTTP application of a process. */
export async function createCluster(options: ClusterOptions = {}) {
  const { fluxo = { automatic: false, delayMs: 0 }, particoes = 1, route: path = (url) => url } = options
  const database = await createServiceDatabase('entregas', { particoes })
  const streamPrefix = uniquePrefix('pedidos')
  const opened: { close: () => Promise<void> }[] = []

  /** One whole instance: doors, relay, followers, worker. Several are the scaled-out form. */
  const open = async (instance: string, own: InstanceOptions = {}) => {
    const redis = createRedisConnections({ url: redisUrl(), name: instance, log: SILENT })
    const registry = new Registry()
    const module = entregasModule({
      databaseUrl: path(database.appUrl),
      ...{ redis, registry, streamPrefix, instance, particoes },
      limits: own.limits && createLimits({ env: own.limits, redis: redis.cache, registry }),
      fluxo: own.fluxo ?? fluxo,
      now: own.now ?? (() => new Date()),
      timings: { claimIdleMs: 1_000, graceMs: 200 },
    })
    await module.start()
    const doors = await openDoors(module)
    let closed: Promise<void> | undefined
    const closeOnce = async () => {
      const stopped = doors.stop(1_000)
      module.leave?.()
      await stopped
      await module.drain()
      await module.close()
      await redis.close()
    }
    const close = () => {
      closed ??= closeOnce()
      return closed
    }
    opened.push({ close })
    /** Cuts every connection, as the end of a killed process does. */
    const cut = () => doors.stop(0)
    return { ...doors, module, redis, registry, close, cut }
  }
  return {
    database,
    streamPrefix,
    open,
    close: async () => {
      await Promise.all(opened.map((node) => node.close()))
      await database.drop()
    },
  }
}

export type Cluster = Awaited<ReturnType<typeof createCluster>>
export type Instance = Awaited<ReturnType<Cluster['open']>>

/** One instance at which nothing moves by itself, with a clock that a test may turn. */
export async function createTestApp({ particoes = 1 } = {}) {
  const clock = { now: new Date('2025-10-15T12:34:56.789Z') }
  const cluster = await createCluster({ particoes })
  const node = await cluster.open('a', { now: () => clock.now })
  const sql = createSql({ url: cluster.database.appUrl, max: 2, name: 'teste', settings: WRITE_SETTINGS })
  return {
    askAs: node.askAs,
    clock,
    /** The service's own role, with its settings of writes. */
    sql,
    ownerUrl: cluster.database.ownerUrl,
    close: async () => {
      await closeSql(sql)
      await cluster.close()
    },
  }
}

export type EntregasTestApp = Awaited<ReturnType<typeof createTestApp>>
