import { type Audience, type AudienceDeps, createAudience, type LiveEvent } from './audience.ts'
import { createStreamTail, type StreamTailDeps } from './tail.ts'

type LiveDeps = AudienceDeps &
  Pick<StreamTailDeps, 'redis' | 'streamPrefix' | 'particoes'> & {
    /** Of which topic an event of the log speaks; `undefined` where of none. It sees every event, so it looks and does not parse. */
    topicOf: (body: string) => string | undefined
    /** Reads an event of the log; `undefined` where it is none. */
    read: (posicao: number, body: string) => LiveEvent | undefined
  }

/**
 * The live streams of this instance on a log: who listens, and the end of the log that they hear. Where nothing comes by Redis, everybody
 * is told from `source` within `compareMs`.
 *
 * @example
 * const live = createLive({ ...ctx, ...log, log: ctx.log, metric: 'fluxo_acompanhar_ouvintes', source, topicOf, read })
 * return { checks, followers, routes: [createAcompanharRoutes({ audience: live.audience, slots, … })], workers: [live] }
 */
export function createLive(deps: LiveDeps): {
  audience: Audience
  start: () => void
  leave: () => void
  stop: () => Promise<void>
} {
  const { topicOf, read, log } = deps
  const audience = createAudience(deps)
  const tail = createStreamTail({
    ...deps,
    onEvento: (posicao, body) => {
      const topic = topicOf(body)
      if (topic !== undefined) audience.hear(topic, () => read(posicao, body))
    },
    wanted: () => audience.count() > 0,
    onStart: () => {
      audience
        .compare()
        .catch((error: unknown) => log.warn({ err: error }, 'listeners could not be compared with the log'))
    },
  })
  return {
    audience: {
      ...audience,
      join: (listener) => {
        const joined = audience.join(listener)
        tail.wake()
        return joined
      },
    },
    start: () => {
      audience.start()
      tail.start()
    },
    leave: audience.close,
    stop: async () => {
      audience.close()
      await tail.stop()
    },
  }
}
