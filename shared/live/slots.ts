import { createShares } from '../shares.ts'

/** Places for open streams of one kind: so many in an instance, of one merchant, and of one topic. */
export type StreamSlotsOptions = { max: number; comercianteMax: number; topicMax: number }

export type StreamSlots = {
  /** Takes a place; gives how to give it back, as often as one likes. `undefined` where there is none. */
  take: (who: { comercianteId: string; topic: string }) => (() => void) | undefined
}

export function createStreamSlots({ max, comercianteMax, topicMax }: StreamSlotsOptions): StreamSlots {
  const comerciantes = createShares({ max, ownerMax: comercianteMax })
  const topics = createShares({ max, ownerMax: topicMax })
  return {
    take: ({ comercianteId, topic }) => {
      if (!topics.take(topic)) return undefined
      if (!comerciantes.take(comercianteId)) {
        topics.give(topic)
        return undefined
      }
      let taken = true
      return () => {
        if (!taken) return
        taken = false
        topics.give(topic)
        comerciantes.give(comercianteId)
      }
    },
  }
}
