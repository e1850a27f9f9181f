import autocannon from 'autocannon'
import { type Load, type LoadOptions, type LoadResult, MARK, markOf } from './plan.ts'

const TIMEOUT_SECONDS = 10

/** Host and port are in what autocannon hands over. */
type Defaults = { method: string; path: string; headers: Record<string, string> }

const run = async ({ url, plan, connections, seconds }: LoadOptions): Promise<LoadResult> => {
  let n = plan.first - 1
  // Each connection goes through the requests by itself: the numbers are shared, so that no two are equal.
  const setupRequest = (defaults: Defaults) => {
    n += 1
    const { method, path, headers, body } = plan.requests[n % plan.requests.length] ?? {
      method: 'GET',
      path: '/',
      headers: {},
    }
    const mark = markOf(plan, n)
    const filled = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(MARK, mark)])
    return {
      ...defaults,
      method,
      path: path.replaceAll(MARK, mark),
      headers: Object.fromEntries(filled),
      ...(body !== undefined && { body: body.replaceAll(MARK, mark) }),
    }
  }
  const first = { method: 'GET', path: '/', headers: {}, setupRequest }
  const duration = Math.max(1, Math.round(seconds))
  const result = await autocannon({ url, connections, duration, timeout: TIMEOUT_SECONDS, requests: [first] })
  return {
    requests: result.requests.total,
    seconds: result.duration,
    perSecond: result.requests.total / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    max: result.latency.max,
    errors: result.errors + result.timeouts + result.non2xx,
  }
}

/** The generator of npm: slower than wrk and in this process, so rates that it limits are lower bounds. */
export const autocannonLoad: Load = { name: 'autocannon', run }
