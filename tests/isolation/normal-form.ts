import type { Answer } from './world.ts'

/** What the transport adds, and what follows from the length of numbers that are replaced below. */
const NOT_COMPARED = new Set(['date', 'x-request-id', 'connection', 'keep-alive', 'content-length'])
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/**
 * Makes the function that writes one merchant's answers in one world so that they can be compared with those in another.
 *
 * Only four things differ by design, and each is replaced by what may be known of it: ids made by the service (by the order in
 * which they were first seen; `foreign` ones stay), positions (kept: the partition), cursors, which hold a position, and
 * the moment of projection.
 */
export const createNormalForm = (foreign: ReadonlySet<string>) => {
  const names = new Map<string, string>()
  const nameOf = (id: string): string => {
    if (foreign.has(id)) return id
    const name = names.get(id) ?? `id-${names.size + 1}`
    names.set(id, name)
    return name
  }
  const text = (value = ''): string =>
    value
      .replaceAll(UUID, nameOf)
      .replaceAll(/"atualizado_em":"[^"]+"/g, '"atualizado_em":"T"')
      .replaceAll(/"proximo":"[\w-]+"/g, '"proximo":"C"')

  return ({ status, headers, body }: Answer): Answer => ({
    status,
    body: text(body),
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => !NOT_COMPARED.has(name))
        .map(([name, value]) => [name, name === 'fluxo-posicao' ? value?.replace(/:\d+$/, ':N') : text(value)]),
    ),
  })
}

/** A slow Redis or PostgreSQL shows in this header, whoever asks: then it says nothing about merchants. */
const OUTAGE = new Set(['bypass', 'stale'])

/** Both answers, without `Fluxo-Cache` where a slow server decided it. */
export const comparable = (one: Answer, other: Answer): [Answer, Answer] => {
  const slow = [one, other].some(({ headers }) => OUTAGE.has(headers['fluxo-cache'] ?? ''))
  if (!slow) return [one, other]
  const without = ({ headers: { 'fluxo-cache': _, ...headers }, ...rest }: Answer) => ({ ...rest, headers })
  return [without(one), without(other)]
}
