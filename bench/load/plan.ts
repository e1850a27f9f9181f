/** Stands in a request for what differs each time it is sent: a number of nine digits, or the next of `values`. */
export const MARK = '@@@@@@@@@'

export type PlannedRequest = {
  method: 'GET' | 'POST'
  path: string
  headers: Readonly<Record<string, string>>
  body?: string
}

/** What a generator sends, one request after the other, again and again. */
export type LoadPlan = {
  requests: readonly PlannedRequest[]
  /** What `MARK` becomes, one for each round of `requests`; without them it is the request's number. */
  values?: readonly string[]
  /** The number of the first request: numbers are never used twice where keys must differ. */
  first: number
}

export type LoadOptions = {
  url: string
  plan: LoadPlan
  connections: number
  seconds: number
  /** A file of the generator's own may be put here. */
  folder: string
}

/** What a generator saw. Times in milliseconds; `errors` counts answers other than 2xx and 3xx, broken connections and timeouts. */
export type LoadResult = {
  requests: number
  seconds: number
  perSecond: number
  p50: number
  p99: number
  max: number
  errors: number
}

export type Load = { name: string; run: (options: LoadOptions) => Promise<LoadResult> }

const NUMBER_DIGITS = 9

/** What `MARK` becomes in request number `n`. */
export const markOf = ({ requests, values }: LoadPlan, n: number): string =>
  values === undefined
    ? String(n).padStart(NUMBER_DIGITS, '0')
    : (values[Math.floor(n / requests.length) % values.length] ?? '')

/** A request as it goes over the wire. The length of its body must not depend on what `MARK` becomes. */
export const wireText = ({ method, path, headers, body = '' }: PlannedRequest, url: string): string => {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
