import { waitUntil } from '../../scripts/local/wait-until.ts'

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
  let cause: unknown
  const look = async (): Promise<boolean> => {
    cause = undefined
    try {
      return await condition()
    } catch (error) {
      cause = error
      return false
    }
  }
  if (!(await waitUntil(look, { timeoutMs, everyMs: intervalMs })))
    throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause })
}
