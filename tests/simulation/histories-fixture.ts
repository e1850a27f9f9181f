import type { AnyPlan, Search } from './scenario.ts'

/** A thousand histories take some 15 s of a core; only a hang takes as long as this. */
export const HISTORIES_TIMEOUT_MS = 600_000

/** The least history of a room that goes wrong among those of `seeds` seeds, as text; undefined where all are well. Test tool. */
export async function wrongIn<P extends AnyPlan>(
  { firstFailure, shrunk, report }: Search<P>,
  from: number,
  seeds: number,
): Promise<string | undefined> {
  const failure = await firstFailure({ from, seeds })
  return failure && report(await shrunk(failure))
}
