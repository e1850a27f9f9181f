import type { Logger } from '../telemetry/logger.ts'

/** Which partitions stand still, since their log is another one. */
export type Stops = {
  stopped: (particao: number, reason: string) => void
  moved: (particao: number) => void
  has: (particao: number) => boolean
}

/** Keeps them for the metrics, with one line in the log per change. */
export function createStops({ group, remedy, log }: { group: string; remedy: string; log: Logger }): Stops {
  const reasons = new Map<number, string>()
  return {
    stopped: (particao, reason) => {
      if (reasons.get(particao) === reason) return
      reasons.set(particao, reason)
      log.error({ group, particao, reason }, `the log is another one than was followed: ${remedy}`)
    },
    moved: (particao) => {
      if (reasons.delete(particao)) log.info({ group, particao }, 'the log is followed again')
    },
    has: (particao) => reasons.has(particao),
  }
}
