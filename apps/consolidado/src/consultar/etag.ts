/**
 * The entity tag of a day: its version, and whose it is.
 *
 * Versions of two merchants' days may be equal, and the URL of a day is the same for everybody: without the merchant a
 * browser that changed its token could be told 304 and show the other one's balance. Ids hold no quote.
 */
export const dayEtag = (versao: number, comercianteId: string): string => `"${versao}-${comercianteId}"`

const TAG = /(?:W\/)?("[^"]*")/g

/** Whether `If-None-Match` names `etag`: weak comparison, lists and `*` (RFC 9110, 13.1.2). What is no tag matches nothing. */
export function etagMatches(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  for (const [, tag] of ifNoneMatch.matchAll(TAG)) if (tag === etag) return true
  return false
}
