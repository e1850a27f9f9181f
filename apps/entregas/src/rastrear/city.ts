import { MUNICIPALITIES } from './municipalities.ts'

/** A name without what is written in different ways: accents, capitals, spaces, apostrophes. */
const nameKey = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toUpperCase()

const CITIES: ReadonlyMap<string, string> = new Map(
  Object.entries(MUNICIPALITIES).flatMap(([state, names]) =>
    names.split('|').map((name) => [`${nameKey(name)}/${state}`, `${name}/${state}`] as const),
  ),
)

const CITY = /^[\p{Script=Latin}\p{Mn} '’.-]+$/u
const STATE_LETTERS = 2

/**
 * The city and state that a carrier's word about a place names, in IBGE's words: `São Paulo/SP`, or `CDD BUTANTA - SAO PAULO / SP`.
 * `undefined` where it names none. Whoever may tell of a carrier's events may write anything there, so nothing that was written is
 * ever shown, and a unit's own name is left out.
 */
export function visibleCity(text: string): string | undefined {
  const before = text.slice(0, -STATE_LETTERS).trimEnd()
  if (!before.endsWith('/') && !before.endsWith('-')) return undefined
  const city =
    before
      .slice(0, -1)
      .split(/, | - /)
      .at(-1) ?? ''
  if (!CITY.test(city)) return undefined
  return CITIES.get(`${nameKey(city)}/${text.slice(-STATE_LETTERS).toUpperCase()}`)
}
