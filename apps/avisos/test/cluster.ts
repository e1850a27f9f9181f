import { createRedisConnections } from '@fluxo/shared/redis/connection'
import { createServiceDatabase, redisUrl, uniquePrefix } from '@fluxo/tests/stage/databases'
import { type Ask, openDoors, SILENT } from '@fluxo/tests/stage/doors'
import { avisosModule } from '@fluxo/tests/stage/modules/avisos'
import { entregasModule } from '@fluxo/tests/stage/modules/entregas'
import { feedOf } from '@fluxo/tests/stage/modules/parts'
import { Registry } from 'prom-client'
import type { SenderOptions } from '../src/avisar/sender.ts'

const TIMINGS = { claimIdleMs: 1_000, graceMs: 200 }

/** A database of avisos, orders to tell of, and as many whole instances as a test opens. */
export async function createCluster() {
  const [database, orders] = await Promise.all([createServiceDatabase('avisos'), createServiceDatabase('entregas')])
  const common = () => ({ registry: new Registry(), streamPrefix, timings: TIMINGS })
  const streamPrefix = uniquePrefix('pedidos')
  const closers: (() => Promise<void>)[] = []

  /** A module behind the HTTP application of a process, on a Redis connection of its own. */
  const serve = async (
    create: (redis: ReturnType<typeof createRedisConnections>) => ReturnType<typeof avisosModule>,
  ) => {
    const redis = createRedisConnections({ url: redisUrl(), name: 'teste', log: SILENT })
    const module = create(redis)
    await module.start()
    const doors = await openDoors(module)
    const closeOnce = async () => {
      const stopped = doors.stop(1_000)
      module.leave?.()
      await stopped
      await module.drain()
      await module.close()
      await redis.close()
    }
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= closeOnce()
      return closed
    }
    closers.push(close)
    return { ...doors, module, redis, close }
  }
  const entregas = await serve((redis) => entregasModule({ databaseUrl: orders.appUrl, redis, ...common() }))

  /** One whole instance; its merchants ask for orders, too. Several are the scaled-out form. */
  const open = async (instance: string, webhooks: SenderOptions = { allowsLoopback: true, pollMs: 20 }) => {
    const parts = common()
    const pedidos = { ...feedOf(entregas.module, '/entregas'), streamPrefix }
    const node = await serve((redis) =>
      avisosModule({ databaseUrl: database.appUrl, redis, ...parts, instance, pedidos, webhooks }),
    )
    const askAs = async (comercianteId: string, scopes?: readonly string[]): Promise<Ask> => {
      const [here, there] = await Promise.all([
        node.askAs(comercianteId, scopes),
        entregas.askAs(comercianteId, scopes),
      ])
      return (path, init) => (path.startsWith('/orders') ? there : here)(path, init)
    }
    return { ...node, registry: parts.registry, askAs }
  }
  return {
    database,
    /** That of entregas. */
    orders,
    streamPrefix,
    open,
    close: async () => {
      await Promise.all(closers.map((close) => close()))
      await Promise.all([database.drop(), orders.drop()])
    },
  }
}

export type Cluster = Awaited<ReturnType<typeof createCluster>>
export type Instance = Awaited<ReturnType<Cluster['open']>>
