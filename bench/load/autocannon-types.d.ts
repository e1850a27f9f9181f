/** What we use of autocannon, which brings no types. */
declare module 'autocannon' {
  type Request = { method: string; path: string; headers: Record<string, string>; body?: string }
  type Planned = Request & { setupRequest?: (request: Request) => Request }
  type Result = {
    duration: number
    errors: number
    timeouts: number
    non2xx: number
    requests: { total: number }
    latency: { p50: number; p99: number; max: number }
  }
  function autocannon(options: {
    url: string
    connections: number
    duration: number
    timeout: number
    requests: readonly Planned[]
  }): Promise<Result>
  export = autocannon
}
