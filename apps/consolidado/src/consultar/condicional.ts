/**
 * The entity tag of a day: its version, and whose it is.
 *
 * Versions of two merchants' days may be equal, and the URL of a day is the same for everybody: without the merchant a
 * browser that changed its token could be told 304 and show the other one's balance. Ids hold no quote (API.md).
 */
export const etagDoDia = (versao: number, comercianteId: string): string => `"${versao}-${comercianteId}"`

const TAG = /(?:W\/)?("[^"]*")/g

/** Whether `If-None-Match` names `etag`: weak comparison, lists and `*` (RFC 9110, 13.1.2). What is no tag matches nothing. */
export function etagConfere(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  for (const [, tag] of ifNoneMatch.matchAll(TAG)) if (tag === etag) return true
  return false
}

const peso = (parametros: string): number => {
  const q = /;\s*q=([0-9.]+)/i.exec(parametros)?.[1]
  return q === undefined ? 1 : Number(q) || 0
}

/** Whether `Accept` would rather have CSV than JSON: only where `text/csv` is named and weighs more, or first the same. */
export function preferenciaCsv(accept: string | undefined): boolean {
  if (accept === undefined) return false
  let csv = 0
  let json = 0
  for (const [tipo = '', parametros] of accept
    .split(',')
    .map((parte) => /^\s*([^\s;]+)(.*)$/.exec(parte)?.slice(1) ?? [])) {
    const q = peso(parametros ?? '')
    if (tipo.toLowerCase() === 'text/csv' && q > json) csv = q
    else if (/^application\/(json|\*)$/i.test(tipo) && q > csv) json = q
  }
  return csv > json
}
