import type { Redis } from 'ioredis'
import { runScript, script } from '../redis/script.ts'

/** Keys of one script call: at 1 µs each, the server's other clients wait 0.3 ms at most. */
const KEYS_PER_CALL_MAX = 256

/**
 * KEYS: the entries. ARGV: the server's run, the time to live (ms), then the value of each entry.
 *
 * Sets each key unless it holds the same or a newer version written under the same run; answers how many were set.
 * Versions stay below 2^53, so Lua's numbers hold them exactly. Only the head of the old value is read, and the new
 * version is the head of the new value: under load each argument costs the caller as much as the script's own work.
 */
export const SET_IF_NEWER = script(`
local set = 0
for i, key in ipairs(KEYS) do
  local value = ARGV[i + 2]
  local version, run = string.match(redis.call('GETRANGE', key, 0, 63), '^(%d+)|([^|]*)|')
  if not version or run ~= ARGV[1] or tonumber(string.match(value, '^%d+')) > tonumber(version) then
    redis.call('SET', key, value, 'PX', ARGV[2])
    set = set + 1
  end
end
return set`)

/** An entry as it is written; `ttlMs` is about how long it is kept. */
export type StoredEntry = { key: string; versao: number; body: string; ttlMs: number }

/** How an entry is kept: version, run of the server, body. The first two hold no `|`. */
export const storedText = (versao: number, run: string, body: string): string => `${versao}|${run}|${body}`

/** Reads `storedText` back; `undefined` where something else is kept there. */
export const parseStored = (text: string): { versao: number; run: string; body: string } | undefined => {
  const first = text.indexOf('|')
  const second = text.indexOf('|', first + 1)
  if (first < 1 || second === -1) return undefined
  const versao = Number(text.slice(0, first))
  if (!Number.isSafeInteger(versao)) return undefined
  return { versao, run: text.slice(first + 1, second), body: text.slice(second + 1) }
}

/** What decides the slot of a key in a Redis Cluster: the text between the first braces, else the key. */
const slotTag = (key: string): string => /\{([^}]+)\}/.exec(key)?.[1] ?? key

/** Entries that may travel in one call: of one time to live, and on a cluster those of one hash tag. */
export const callsOf = <E extends { key: string; ttlMs: number }>(entries: readonly E[], cluster: boolean): E[][] => {
  const groupOf = ({ key, ttlMs }: E): string => `${ttlMs}${cluster ? slotTag(key) : ''}`
  return [...Map.groupBy(entries, groupOf).values()].flatMap((group) => {
    const calls: E[][] = []
    for (let at = 0; at < group.length; at += KEYS_PER_CALL_MAX) calls.push(group.slice(at, at + KEYS_PER_CALL_MAX))
    return calls
  })
}

/**
 * Writes the entries that are newer than what is kept, all calls in one burst; resolves with how many were set.
 * Each call's entries live as long as `lifeMs` says for their `ttlMs`.
 */
export const setAllIfNewer = async (
  redis: Redis,
  { run, lifeMs }: { run: string; lifeMs: (ttlMs: number) => number },
  entries: readonly StoredEntry[],
): Promise<number> => {
  const calls = callsOf(entries, redis.isCluster).map((group) => {
    const keys = group.map(({ key }) => key)
    const values = group.map(({ versao, body }) => storedText(versao, run, body))
    return runScript(redis, SET_IF_NEWER, keys, [run, lifeMs(group[0]?.ttlMs ?? 0), ...values])
  })
  const set = await Promise.all(calls)
  return set.reduce<number>((sum, one) => sum + Number(one), 0)
}
