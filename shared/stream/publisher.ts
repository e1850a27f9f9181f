import type { Redis } from 'ioredis'
import { invariant } from '../errors.ts'
import type { LogEntry } from '../log/pages.ts'
import type { Publisher } from '../log/publisher.ts'
import { runScript, script } from '../redis/script.ts'
import { EVENTO_FIELD, posicaoOfId, streamKey } from './keys.ts'
import { flatField, lastEntryOf } from './reply.ts'

/** One call's entries: large enough to hide the round trip, small enough (about 4 ms) not to hold up the other clients of Redis. */
const PUBLISH_BATCH_MAX = 500

/**
 * KEYS[1] stream; ARGV position, body, position, body, … → { added, repeated, error? }.
 *
 * Not a pipeline: that would add n+1 after n failed (OOM), and n could never be added again. The stream's top is read here and not
 * by the caller, so that a re-send after a lost reply counts what is there instead of failing on it. An error after the first XADD
 * is returned beside the counts; as the first it is raised, so that ioredis sees READONLY and reconnects.
 */
export const PUBLISH = script(`
local top = -1
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then top = tonumber(string.match(info[i + 1], '^%d+')) end
  end
end
local added, repeated = 0, 0
for i = 1, #ARGV, 2 do
  if tonumber(ARGV[i]) <= top then
    repeated = repeated + 1
  else
    local reply = redis.pcall('XADD', KEYS[1], ARGV[i] .. '-0', '${EVENTO_FIELD}', ARGV[i + 1])
    if type(reply) == 'table' and reply.err then
      if added == 0 then return reply end
      return { added, repeated, reply.err }
    end
    added = added + 1
  end
end
return { added, repeated }
`)

/** Puts a log's entries on the streams under `prefix`, over the fail-fast connection. Opens and closes nothing. */
export function createPublisher({ redis, prefix }: { redis: Redis; prefix: string }): Publisher {
  const publishBatch = async (particao: number, batch: readonly LogEntry[]) => {
    const args: (string | number)[] = []
    for (const { posicao, body } of batch) args.push(posicao, body)
    const reply = await runScript(redis, PUBLISH, [streamKey(prefix, particao)], args)
    invariant(Array.isArray(reply), 'the publish script answers with an array')
    const [added, repeated, error] = reply as [number, number, string?]
    if (error !== undefined) throw new Error(`publishing stopped after ${added} entries: ${error}`)
    return { added, repeated }
  }
  return {
    tail: async (particao) => {
      const info = await streamInfo(redis, streamKey(prefix, particao))
      if (info === undefined) return undefined
      const top = String(flatField(info, 'last-generated-id'))
      const last = lastEntryOf(info)
      const evento = last?.id === top ? objectOf(last.body) : undefined
      return { posicao: posicaoOfId(top), id: textOf(evento?.['id']), epoca: textOf(evento?.['epoca']) }
    },
    publish: async (particao, entries) => {
      assertAscending(entries)
      const total = { added: 0, repeated: 0 }
      for (let from = 0; from < entries.length; from += PUBLISH_BATCH_MAX) {
        const { added, repeated } = await publishBatch(particao, entries.slice(from, from + PUBLISH_BATCH_MAX))
        total.added += added
        total.repeated += repeated
      }
      return total
    },
    reset: async (particao) => {
      await redis.unlink(streamKey(prefix, particao))
    },
    length: (particao) => redis.xlen(streamKey(prefix, particao)),
  }
}

/** XINFO STREAM as a flat array of names and values; undefined when the key is absent. */
export async function streamInfo(redis: Redis, key: string): Promise<unknown[] | undefined> {
  try {
    return (await redis.xinfo('STREAM', key)) as unknown[]
  } catch (error) {
    if (error instanceof Error && error.message.includes('no such key')) return undefined
    throw error
  }
}

/** A position out of order would be counted as repeated and never be published: a bug of the caller, refused before anything is sent. */
function assertAscending(entries: readonly LogEntry[]): void {
  let previous = 0
  for (const { posicao } of entries) {
    invariant(Number.isSafeInteger(posicao) && posicao > previous, `position ${posicao} follows ${previous}`)
    previous = posicao
  }
}

function objectOf(body: string): Record<string, unknown> | undefined {
  try {
    const event: unknown = JSON.parse(body)
    return typeof event === 'object' && event !== null ? { ...event } : undefined
  } catch {
    return undefined
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
