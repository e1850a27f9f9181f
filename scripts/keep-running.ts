import { setTimeout as delay } from 'node:timers/promises'

/** A server that lived for this long was well: its next death is the first of a row again. */
const WELL_AFTER_MS = 60_000
/** After so many deaths in a row something is wrong that another start does not mend: a full disk, no memory, a damaged file. */
const DEATHS_MAX = 5
/** The first new start follows at once, each further one this much later than the one before. */
const RESTART_MS = 500

type Server = { port: number; ended: Promise<string>; stop: () => Promise<void> }

type KeepOptions<S extends Server> = {
  /** As the person at the terminal knows it. */
  name: string
  /** What it said is in this file. */
  logFile: string
  /** Starts it; with `port`, on that one, where its clients look for it. */
  start: (port?: number) => Promise<S>
  say: (line: string) => void
  /** Hears that it died too often and is left alone. */
  giveUp: (error: Error) => void
}

/** Starts a server, and again whenever it ends by itself, on the same port; gives up where it dies again and again. */
export const keepRunning = async <S extends Server>(options: KeepOptions<S>) => {
  const { name, logFile, start, say, giveUp } = options
  const first = await start()
  let current = first
  let leaving = false

  const watch = async (): Promise<void> => {
    let deaths = 0
    let since = performance.now()
    let what = `ended unexpectedly (${await first.ended})`
    while (!leaving) {
      deaths = performance.now() - since > WELL_AFTER_MS ? 1 : deaths + 1
      if (deaths > DEATHS_MAX) {
        const sentence = `${name} died ${deaths} times in a row (at last it ${what}) and is not started again.`
        return giveUp(
          new Error(`${sentence} Why is in ${logFile}. What was acknowledged is kept: mend it, then npm start`),
        )
      }
      say(`${name} ${what}; starting it again, nothing to do for you`)
      await delay(RESTART_MS * (deaths - 1))
      if (leaving) return
      since = performance.now()
      try {
        current = await start(first.port)
      } catch {
        // Its last words are in the log file, several lines of them.
        what = 'did not start'
        continue
      }
      // Asked to stop meanwhile: `stop` has seen the one before only.
      if (leaving) return await current.stop()
      say(`${name} runs again`)
      what = `ended unexpectedly (${await current.ended})`
    }
  }
  const watching = watch()
  return {
    first,
    stop: async () => {
      leaving = true
      await current.stop()
      await watching
    },
  }
}
