import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** A Lua script with the digest that names it in the server's script cache. */
export type Script = { readonly lua: string; readonly sha: string }

/** Makes a script from its Lua text; done once, when a module is loaded. */
export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/**
 * Runs `lua` by digest, and with its text where the server does not know it (first use, restart, SCRIPT FLUSH, failover).
 *
 * Only a NOSCRIPT answer leads to the second attempt: it means that nothing was run. Every other error is the caller's.
 */
export async function runScript(
  redis: Redis,
  { lua, sha }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return redis.eval(lua, keys.length, ...keys, ...args)
  }
}
