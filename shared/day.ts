/** First and last year of a calendar day that anything here may have. */
const YEAR_MIN = 1900
const YEAR_MAX = 2199
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

const ZERO = 48
const HYPHEN = 45

/** Adds up to NaN where it is no digit, which fails every comparison below. */
const digit = (text: string, i: number): number => {
  const d = text.charCodeAt(i) - ZERO
  return d >= 0 && d <= 9 ? d : Number.NaN
}

const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

/** True for a real calendar day `YYYY-MM-DD` of 1900–2199. Arithmetic only, 30 ns: it is on the path of every entry and every read. */
export function isDay(text: string): boolean {
  if (text.length !== 10 || text.charCodeAt(4) !== HYPHEN || text.charCodeAt(7) !== HYPHEN) return false
  const year = digit(text, 0) * 1000 + digit(text, 1) * 100 + digit(text, 2) * 10 + digit(text, 3)
  const month = digit(text, 5) * 10 + digit(text, 6)
  const day = digit(text, 8) * 10 + digit(text, 9)
  if (!(year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1)) return false
  return day <= (month === 2 && isLeapYear(year) ? 29 : (DAYS_OF_MONTH[month - 1] ?? 0))
}

/** What the merchant reads where `isDay` is false. */
export const DAY_MESSAGE = 'Deve ser um dia real do calendário no formato AAAA-MM-DD, entre 1900 e 2199.'

/** Swedish writes days as ISO 8601 does. */
const CALENDAR = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Sao_Paulo' })

/** As `CALENDAR`, with the time of day. */
const CLOCK = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/Sao_Paulo',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/**
 * The instant at which clocks in São Paulo show `time` (`HH:mm:ss`) of `day` (`YYYY-MM-DD`).
 * Two steps, since the offset (summer time until 2019) is that of the instant that is looked for.
 */
export function instantInSaoPaulo(day: string, time: string): Date {
  const target = Date.parse(`${day}T${time}Z`)
  const shown = (ms: number): number => Date.parse(`${CLOCK.format(ms).replace(' ', 'T')}Z`)
  let instant = target
  for (let step = 0; step < 2; step += 1) instant += target - shown(instant)
  return new Date(instant)
}

/** The calendar day, `YYYY-MM-DD`, that clocks in São Paulo show at `instant`. */
export const dayInSaoPaulo = (instant: Date): string => CALENDAR.format(instant)
