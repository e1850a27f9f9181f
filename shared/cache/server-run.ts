import type { Redis } from 'ioredis'

/** Characters kept of Redis' 40-digit run id: two runs of one deployment never share them. */
const RUN_CHARS = 8
/** Stands for every run where INFO is forbidden (some hosted servers): entries then outlive a restart. */
const UNKNOWN_RUN = 'desconhecida'

type ServerRun = {
  /** The run of the server that this connection speaks to, `undefined` while that is not known. */
  current(): string | undefined
  /** Resolves once it is known, rejects when the connection breaks first. */
  known(): Promise<string>
  /** Calls `listener` each time a connection is usable and its run known. */
  onKnown(listener: () => void): void
  close(): void
}

/**
 * Which run of the Redis server a connection speaks to, learned anew at each connect.
 *
 * A server that was restarted, or a replica that took over, may hold values older than the last ones written: its
 * append-only file is a second behind, replication is asynchronous, and while it was away nobody could write. Entries
 * carry the run that they were written under, and those of another run are not taken for current.
 */
export const createServerRun = (redis: Redis): ServerRun => {
  let run: string | undefined
  let learning: Promise<string> | undefined
  const listeners: (() => void)[] = []

  const ask = async (): Promise<string> => {
    try {
      const info = await redis.info('server')
      return /^run_id:(\w+)/m.exec(info)?.[1]?.slice(0, RUN_CHARS) ?? UNKNOWN_RUN
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOPERM')) return UNKNOWN_RUN
      throw error
    }
  }
  const forget = () => {
    run = undefined
    learning = undefined
  }
  const learn = (): Promise<string> => {
    const asked = ask()
    learning = asked
    asked.then(
      (answer) => {
        if (learning !== asked) return
        run = answer
        for (const listener of listeners) listener()
      },
      // The next caller asks again.
      () => {
        if (learning === asked) learning = undefined
      },
    )
    return asked
  }
  const onReady = () => void learn()
  redis.on('ready', onReady)
  redis.on('close', forget)
  if (redis.status === 'ready') onReady()

  return {
    current: () => run,
    known: () => (run === undefined ? (learning ?? learn()) : Promise.resolve(run)),
    onKnown: (listener) => listeners.push(listener),
    close: () => {
      redis.off('ready', onReady)
      redis.off('close', forget)
    },
  }
}
