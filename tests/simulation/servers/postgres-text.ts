/** Reads a one-dimensional array literal as `arrayLiteral` writes it. */
export function arrayOf(text: unknown): (string | null)[] {
  if (typeof text !== 'string') throw new Error('the simulation expected an array literal')
  const elements = text.slice(1, -1).matchAll(ELEMENT)
  return [...elements].map(([, quoted, bare]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, '$1')
    return bare === 'NULL' ? null : (bare ?? null)
  })
}
const ELEMENT = /(?:"((?:[^"\\]|\\.)*)"|([^,"]+))(?:,|$)/gs
