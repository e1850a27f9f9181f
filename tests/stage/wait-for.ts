import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits until `condition` holds. Tests wait for conditions, never for time.
 *
 * `what` names the condition in the error that is thrown after `timeoutMs`; an error of the last look is its cause.
 */
export const waitFor = async (
  condition: () => Promise<boolean> | boolean,
  options: { timeoutMs?: number; intervalMs?: number; what?: string } = {},
): Promise<void> => {
  const { timeoutMs = 10_000, intervalMs = 10, what = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      cause = undefined
      if (await condition()) return
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause })
    await delay(intervalMs)
  }
}
