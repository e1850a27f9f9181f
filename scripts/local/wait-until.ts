import { setTimeout as delay } from 'node:timers/promises'

/** Looks again and again until `condition` holds; false where that took longer than `timeoutMs`. */
export const waitUntil = async (
  condition: () => Promise<boolean> | boolean,
  { timeoutMs, everyMs }: { timeoutMs: number; everyMs: number },
): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) return false
    await delay(everyMs)
  }
  return true
}
