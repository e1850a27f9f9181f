import { type Tracing, traceparentIn } from '../telemetry/tracing.ts'
import { startBatch } from '../telemetry/tracing-batch.ts'
import type { LogEntry } from './pages.ts'
import type { Publisher } from './publisher.ts'

/** Publishes as `publisher` does, and shows it in the trace of every entry that has one. */
export function tracedPublish(tracing: Tracing, publisher: Publisher): Publisher['publish'] {
  return async (particao, entries) => {
    const trace = startBatch(tracing, 'relay publish', {
      kind: 'producer',
      attributes: { 'messaging.system': 'redis', particao, 'messaging.batch.message_count': entries.length },
      members: entries.flatMap(memberOf),
    })
    try {
      const published = await publisher.publish(particao, entries)
      trace?.end()
      return published
    } catch (error) {
      trace?.end(error)
      throw error
    }
  }
}

const memberOf = ({ posicao, body }: LogEntry) => {
  const traceparent = traceparentIn(body)
  return traceparent === undefined ? [] : [{ traceparent, attributes: { posicao } }]
}
