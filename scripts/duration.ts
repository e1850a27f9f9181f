import { UsageError } from './cli.ts'

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }
/** Ten years: a token that outlives the people who made it is a mistake. */
const SECONDS_MAX = 3_650 * 86_400

/** Seconds of a duration such as `90s`, `15m`, `12h` or `30d`; a `UsageError` for anything else. */
export const secondsOf = (text: string): number => {
  const [, digits, unit = 's'] = /^(\d{1,10})(s|m|h|d)$/.exec(text) ?? []
  const seconds = Number(digits) * (UNIT_SECONDS[unit] ?? 1)
  if (!(seconds >= 1 && seconds <= SECONDS_MAX)) {
    throw new UsageError(`"${text}" is no duration: write 90s, 15m, 12h or 30d (3650d at most)`)
  }
  return seconds
}
