import fc from 'fast-check'

/** How the id of another merchant may resemble one's own. */
const LOOK_ALIKES: ((id: string) => string)[] = [
  (id) => id.replace(/[a-z]/, (letter) => letter.toUpperCase()),
  (id) => `${id}.`,
  (id) => `${id}-`,
  (id) => `${id}0`,
  (id) => `_${id}`,
  (id) => id.slice(0, -1),
  (id) => `${id}.${id}`.slice(0, 64),
  (id) => id.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')),
]

let pairs = 0
const run = Date.now().toString(36)

/** Pairs of merchants whose ids are nearly the same, new at each run of a case, also while a failure is made smaller. */
export const lookAlikes = (prefix: string): fc.Arbitrary<() => [string, string]> =>
  fc
    .tuple(fc.stringMatching(/^[a-z][A-Za-z0-9._-]{0,20}$/), fc.constantFrom(...LOOK_ALIKES), fc.boolean())
    .map(([base, alike, turned]) => () => {
      pairs += 1
      const one = `${prefix}${run}${pairs}${base}`
      return turned ? [alike(one), one] : [one, alike(one)]
    })
