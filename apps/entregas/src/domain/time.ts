import { isDay } from '@fluxo/shared/day'

/** RFC 3339 with an offset: a time without one is another moment in every place. */
const TIME = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
export const TIME_MESSAGE = 'Deve ser data e hora com fuso, como 2025-10-15T12:34:56-03:00.'

/** Reads a moment; `undefined` where the text is none. `Date.parse` alone takes 30 February for 2 March. */
export function readTime(text: string): Date | undefined {
  const day = TIME.exec(text)?.[1] ?? ''
  const ms = isDay(day) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms)
}

/** Clocks differ: an event may be this far in the future of ours. */
const FUTURE_MAX_MS = 5 * 60_000
export const FUTURE_MESSAGE = 'Não pode estar no futuro.'

/** True for what has not happened yet. */
export const isFuture = (time: Date, now: Date): boolean => time.getTime() > now.getTime() + FUTURE_MAX_MS
