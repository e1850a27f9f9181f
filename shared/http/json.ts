/** `JSON.rawJSON` (ECMAScript 2026, in Node since 21) is not yet in TypeScript's library. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }

/** A value that `JSON.stringify` writes as exactly this number text, e.g. `150.50`, which no JS number can keep. */
export const rawNumber = (text: string): unknown => rawJSON(text)

/**
 * A JSON answer from finished text.
 *
 * Prefer this to `c.json` on hot paths: with two or more headers Hono builds a `Headers` object, while a plain record stays on
 * node-server's fast path (`writeHead` with an object).
 */
export const jsonText = (text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(text, { status, headers: { 'Content-Type': 'application/json', ...headers } })
