type TimersOptions = { pingMs: number; compareMs: number; ping: () => void; compare: () => Promise<void> }

/** The two beats of the streams. A comparison begins after the one before has ended. */
export function createTimers({ pingMs, compareMs, ping, compare }: TimersOptions) {
  let pings: NodeJS.Timeout | undefined
  let next: NodeJS.Timeout | undefined
  let stopped = false
  const schedule = (): void => {
    if (stopped) return
    next = setTimeout(() => void compare().then(schedule), compareMs)
    next.unref()
  }
  return {
    start: () => {
      if (pings !== undefined) return
      pings = setInterval(ping, pingMs)
      pings.unref()
      schedule()
    },
    stop: () => {
      stopped = true
      clearInterval(pings)
      clearTimeout(next)
    },
  }
}
