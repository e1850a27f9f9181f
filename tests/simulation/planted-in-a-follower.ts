import type { RedisConnections } from '@fluxo/shared/redis/connection'
import type { Redis } from 'ioredis'
import type { RedisHabits } from './servers/redis-client.ts'

/** Where a planted bug stands in for a follower's part: what it says to Redis, and how it reads from there. */
export type FollowerSeams = RedisHabits & { redis?: (real: RedisConnections, group: string) => RedisConnections }

/** Stand-ins that keep no state are the same for every history. */
export const always =
  <Seams>(seams: Seams) =>
  (): Seams =>
    seams

export const groupAtDollar: FollowerSeams = {
  sends: (command, args) => (command === 'XGROUP' ? args.map((arg) => (arg === '0' ? '$' : arg)) : args),
}

const NEVER_MS = '1000000000'
export const noReclaim: FollowerSeams = {
  sends: (command, args) => (command === 'XAUTOCLAIM' ? args.with(3, NEVER_MS) : args),
}

type Reply = [string, [string, unknown][]][] | null

/** Whatever is read is acknowledged at once, by another connection. */
export const ackBeforeApply: FollowerSeams = {
  redis: (real, group) => ({
    ...real,
    blocking: () => {
      const reader = real.blocking()
      const read = reader.xreadgroup.bind(reader) as (...args: unknown[]) => Promise<Reply>
      const acking = async (...args: unknown[]): Promise<Reply> => {
        const reply = await read(...args)
        for (const [key, entries] of reply ?? []) {
          if (entries.length > 0) await real.commands.xack(key, group, ...entries.map(([id]) => id))
        }
        return reply
      }
      return Object.assign(reader, { xreadgroup: acking }) as unknown as Redis
    },
  }),
}
