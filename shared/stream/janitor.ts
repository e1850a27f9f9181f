import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { type Clock, systemClock } from '../clock.ts'
import { runScript, script } from '../redis/script.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter } from '../telemetry/metrics.ts'
import { streamKey } from './keys.ts'

/** Removing entries blocks Redis: one call takes at most this many (about 3 ms), and the sweep calls again while there are more. */
const TRIM_MAX = 10_000
/** A sweep of one partition ends here even if entries remain: the next one goes on. */
const TRIMS_PER_SWEEP_MAX = 100
/** Sweeping more often saves little memory (330 bytes an entry), more seldom costs some. */
const EVERY_MS = 10_000
/**
 * How long a stream gets while a group is awaited that must be there: 33 MB a partition. A reader that comes later pulls from the log
 * what was trimmed; without an end, a reader that is never started would fill Redis until the relay stops.
 */
const AWAITED_MAX = 100_000
/** A consumer without pending that was not seen for this long has ended, or reads so seldom that its next read may make it anew. */
const DEAD_CONSUMER_IDLE_MS = 600_000

type JanitorOptions = {
  redis: Redis
  prefix: string
  particoes: number
  /** Groups that must exist before anything is trimmed (docs/decisions/0024): one that was lost with its stream's key still needs what others acked. */
  groups: readonly string[]
  everyMs?: number
  deadConsumerIdleMs?: number
  clock?: Clock
  log: Logger
  registry: Registry
}

/** What one sweep of one partition removed. */
type Swept = { trimmed: number; consumers: number }

export type Janitor = {
  /** Sweeps all partitions every `everyMs` (± half), in the background. */
  start(): void
  /** Ends the timer and waits for the sweep under way. */
  stop(): Promise<void>
  /** Sweeps one partition now. Rejects when Redis is away. */
  sweep(particao: number): Promise<Swept>
}

/**
 * KEYS[1] stream; ARGV dead-consumer idle ms, entries per trim, entries while a group is awaited, group, group, … → { trimmed, consumers removed }.
 *
 * The floor is the smallest id that any group still needs: its first pending entry, or else the one after its last delivered. It is
 * computed in the script that trims, so that nothing is delivered in between: XTRIM heeds no group, and an entry that it
 * removes before its consumer has acked it is gone. Trimming is by whole nodes (~), so some acked entries stay. The stream's last entry always stays:
 * its event id tells a relay whose stream this is. Numbers are exact below 2^53.
 */
export const SWEEP = script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, 0 } end
local function fields(flat)
  local map = {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end
local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return { tonumber(ms), tonumber(seq) }
end
local function before(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end

local floor = parts(fields(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id'])
local seen, consumers = {}, 0
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = fields(flat)
  seen[group['name']] = true
  local needed = parts(group['last-delivered-id'])
  needed[2] = needed[2] + 1
  if group['pending'] > 0 then
    local first = parts(redis.call('XPENDING', KEYS[1], group['name'])[2])
    if before(first, needed) then needed = first end
  end
  if before(needed, floor) then floor = needed end
  for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group['name'])) do
    local consumer = fields(row)
    if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[1]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group['name'], consumer['name'])
      consumers = consumers + 1
    end
  end
end
if next(seen) == nil then return { 0, consumers } end
if redis.call('XLEN', KEYS[1]) <= tonumber(ARGV[3]) then
  for i = 4, #ARGV do
    if not seen[ARGV[i]] then return { 0, consumers } end
  end
end
local minid = string.format('%.0f-%.0f', floor[1], floor[2])
return { redis.call('XTRIM', KEYS[1], 'MINID', '~', minid, 'LIMIT', ARGV[2]), consumers }
`)

/**
 * Keeps the streams short and the groups free of dead consumers. Every instance may run one: a sweep is atomic and idempotent.
 *
 * Never by length: only entries that every group has acked go. Never a consumer with something pending: DELCONSUMER would drop it.
 */
export function createJanitor({ redis, prefix, particoes, groups, log, registry, ...limits }: JanitorOptions): Janitor {
  const { everyMs = EVERY_MS, deadConsumerIdleMs = DEAD_CONSUMER_IDLE_MS, clock = systemClock } = limits
  const labelNames = ['stream', 'particao'] as const
  const trims = counter(registry, { name: 'fluxo_stream_trimmed_total', help: 'Acked entries removed', labelNames })
  const dead = counter(registry, { name: 'fluxo_stream_dead_consumers_total', help: 'Consumers removed', labelNames })

  const sweep = async (particao: number): Promise<Swept> => {
    const total = { trimmed: 0, consumers: 0 }
    for (let call = 0; call < TRIMS_PER_SWEEP_MAX; call += 1) {
      const args = [deadConsumerIdleMs, TRIM_MAX, AWAITED_MAX, ...groups]
      const [trimmed, consumers] = (await runScript(redis, SWEEP, [streamKey(prefix, particao)], args)) as [
        number,
        number,
      ]
      total.trimmed += trimmed
      total.consumers += consumers
      if (trimmed === 0) break
    }
    const labels = { stream: prefix, particao: String(particao) }
    trims.inc(labels, total.trimmed)
    dead.inc(labels, total.consumers)
    return total
  }
  let cancel: (() => void) | undefined
  let stopping = false
  let failing = false
  let round = Promise.resolve()
  const sweepAll = async () => {
    try {
      for (let particao = 0; particao < particoes && !stopping; particao += 1) await sweep(particao)
      failing = false
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'the janitor cannot sweep the streams')
      failing = true
    }
    schedule()
  }
  const schedule = () => {
    if (stopping) return
    cancel = clock.afterUnref(everyMs * (0.5 + clock.random()), () => {
      round = sweepAll()
    })
  }
  return {
    start: () => {
      if (cancel === undefined) schedule()
    },
    stop: async () => {
      stopping = true
      cancel?.()
      await round
    },
    sweep,
  }
}
