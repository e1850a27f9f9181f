import type { Redis } from 'ioredis'
import { type Clock, systemClock } from '../clock.ts'
import { becomesReady } from '../redis/connection.ts'
import { runScript, script } from '../redis/script.ts'
import { withTimeout } from '../wait.ts'
import { type Batch, batchOfRead, claimOf, deliveriesOf } from './reply.ts'

/** Connecting, handshake and loading check together: a server that accepts and then says nothing must not hold the consumer. */
const OPEN_TIMEOUT_MS = 5_000
/** Replies of commands that do not block. */
const REPLY_TIMEOUT_MS = 5_000
/** A read is given up this long after BLOCK should have ended. Longer than BLOCK, so that the server has ended the read by then. */
const WATCHDOG_GRACE_MS = 1_000

/** Who reads what: the stream, the group and this consumer's name in it, and the limits of one read. */
export type Reading = {
  key: string
  group: string
  consumer: string
  countMax: number
  blockMs: number
  claimIdleMs: number
}

/**
 * One connection's worth of reading. Every command whose lost reply would leave entries in our own pending list goes over this one
 * connection and ends with it; whoever opens the next session reads id 0 first. It never reconnects and nothing is ever re-sent.
 */
export type Session = {
  readonly connection: Redis
  /** Creates the group at `0` (never `$`, which drops what was published before) with its stream; says whether it was absent. */
  ensureGroup(): Promise<'created' | 'known'>
  /** What was delivered to this consumer and not acked; does not block. */
  readOwn(): Promise<Batch>
  /** New entries; resolves empty after `blockMs`. */
  readNew(): Promise<Batch>
  /** One page of entries that their consumers left unacked for `claimIdleMs`, now ours, and the positions found deleted. */
  claim(cursor: string): Promise<{ batch: Batch; cursor: string; deleted: number[] }>
  /** Lets a blocked read return empty now, through the connection `commands`; loses nothing, unlike a disconnect. */
  unblock(commands: Redis): Promise<void>
  /** Ends the connection; reads in flight reject. */
  close(): void
}

/**
 * A session over `connection`, which it owns from now on. Rejects when it is not ready in time; then the connection is ended.
 */
export async function openSession(connection: Redis, reading: Reading, clock: Clock = systemClock): Promise<Session> {
  const { key, group, consumer, countMax, blockMs, claimIdleMs } = reading
  const close = () => connection.disconnect()
  try {
    if (!(await becomesReady(connection, OPEN_TIMEOUT_MS, clock))) throw new Error('no session with redis')
    const guarded = <T>(work: Promise<T>, timeoutMs = REPLY_TIMEOUT_MS) =>
      withTimeout(work, timeoutMs, () => new Error(`no reply from redis within ${timeoutMs} ms`), clock)
    const clientId = await guarded(connection.client('ID'))

    const withAttempts = async (batch: Batch): Promise<Batch> => {
      const [first, last] = [batch.ids[0], batch.ids.at(-1)]
      if (first === undefined || last === undefined) return batch
      const rows = await guarded(connection.xpending(key, group, first, last, batch.ids.length + countMax, consumer))
      const deliveries = deliveriesOf(rows)
      for (const entry of batch.entries) {
        const attempts = deliveries.get(`${entry.posicao}-0`)
        if (attempts !== undefined) entry.attempts = attempts
      }
      return batch
    }
    return {
      connection,
      ensureGroup: () => guarded(ensureGroup(connection, key, group)),
      readOwn: async () => {
        const reply = connection.xreadgroup('GROUP', group, consumer, 'COUNT', countMax, 'STREAMS', key, '0')
        return withAttempts(batchOfRead(await guarded(reply)))
      },
      readNew: async () => {
        const reply = connection.xreadgroup(
          ...(['GROUP', group, consumer, 'COUNT', countMax, 'BLOCK', blockMs, 'STREAMS', key, '>'] as const),
        )
        return batchOfRead(await guarded(reply, blockMs + WATCHDOG_GRACE_MS))
      },
      claim: async (cursor) => {
        const reply = connection.xautoclaim(key, group, consumer, claimIdleMs, cursor, 'COUNT', countMax)
        const claimed = claimOf(await guarded(reply))
        return { ...claimed, batch: await withAttempts(claimed.batch) }
      },
      unblock: async (commands) => {
        await commands.client('UNBLOCK', clientId, 'TIMEOUT')
      },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

async function ensureGroup(redis: Redis, key: string, group: string): Promise<'created' | 'known'> {
  try {
    await redis.xgroup('CREATE', key, group, '0', 'MKSTREAM')
    return 'created'
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('BUSYGROUP')) return 'known'
    throw error
  }
}

/**
 * KEYS[1] stream; ARGV group, consumer → 1 if the consumer was removed. One script, because DELCONSUMER drops what is pending: an entry
 * delivered between a check and the removal would be lost.
 */
export const LEAVE = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if pending.err or #pending > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
`)

/** Removes the consumer from its group unless it has something pending; then it stays, and others reclaim from it. */
export async function leaveGroup(redis: Redis, { key, group, consumer }: Reading): Promise<boolean> {
  return (await runScript(redis, LEAVE, [key], [group, consumer])) === 1
}
