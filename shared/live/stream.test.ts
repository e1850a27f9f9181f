import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createAudience, EVENTS_MAX, type LiveEvent } from './audience.ts'
import { createStreamSlots } from './slots.ts'
import { openStream } from './stream.ts'

const log = createLogger({ service: 'teste', level: 'silent' })
/** 250 events of some 8 KiB: far more than may lie unread. */
const EVENTS = Array.from(
  { length: 250 },
  (_, i): LiveEvent => ({ seq: i + 1, event: 'x', data: { text: 'ã'.repeat(4_000) } }),
)
const seqsOf = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq))

test('a history that is larger than what may lie unread arrives whole, and is read as fast as the client reads', async () => {
  let read = 0
  const audience = createAudience({
    source: {
      after: async (_c, _t, seq) => {
        read += 1
        return EVENTS.slice(seq, seq + EVENTS_MAX)
      },
      heads: async () => new Map([['loja', EVENTS.length]]),
    },
    ...{ metric: 'ouvintes', log, registry: new Registry() },
  })
  const slots = createStreamSlots({ max: 1, comercianteMax: 1, topicMax: 1 })
  const who = { comercianteId: 'loja', topic: 'loja', sentThrough: 0, show: ({ data }: LiveEvent) => data }
  const answer = openStream({ audience, slots }, who)
  await new Promise((resolve) => setImmediate(resolve))
  expect(read).toBe(1)
  let text = ''
  for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    if (seqsOf(part).includes(EVENTS.length)) break
  }
  expect(seqsOf(text)).toEqual(EVENTS.map(({ seq }) => seq))
  expect([audience.count(), slots.take(who) === undefined]).toEqual([0, false])
})
