import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { DomainError, Unavailable } from '../errors.ts'
import { type AppEnv, headerOf } from '../http/env.ts'
import { headers } from '../openapi/headers.ts'
import type { Audience, Listener } from './audience.ts'
import { opening, pointOf } from './frame.ts'
import type { StreamSlots } from './slots.ts'

const RETRY_AFTER_SECONDS = 5
/** Unread by a client before it is waited for. */
const UNREAD_BYTES_MAX = 64 * 1024

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // nginx would otherwise collect what is sent.
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
}

export const STREAM_HEADERS_SCHEMA = z.object({
  'Last-Event-ID': z
    .string()
    .optional()
    .openapi({ description: 'O seq do último evento recebido: continua depois dele.', example: '3' }),
})

/** The answer of a stream, as a route declares it; `component` names its text in the API document. */
export const streamAnswer = (component: string, description: string, example: string) => ({
  description: `Server-Sent Events: ${description}`,
  headers: headers('Cache-Control'),
  content: {
    'text/event-stream': { schema: z.string().openapi(component, { description: 'Server-Sent Events.', example }) },
  },
})

/** After which event the client wants to go on; `undefined` where it comes for the first time. Throws where the header is none of ours. */
export function lastEventId(c: Context<AppEnv>): number | undefined {
  const text = headerOf(c, 'last-event-id')
  const point = text === undefined ? undefined : pointOf(text)
  if (text !== undefined && point === undefined) {
    throw new DomainError('cabecalho-invalido', 'Last-Event-ID deve ser o seq de um evento.')
  }
  return point
}

/**
 * Answers with a stream that lasts until the client leaves or reads nothing for two pings, or this instance leaves. Throws 503 where there is
 * no place.
 *
 * @example
 * const sentThrough = Math.min(lastEventId(c) ?? 0, pedido.version)
 * return openStream({ audience, slots }, { comercianteId, topic: pedido.id, sentThrough, show: ({ data }) => data })
 */
export function openStream(
  { audience, slots }: { audience: Audience; slots: StreamSlots },
  who: Omit<Listener, 'send' | 'close'> & {
    /** Set where a client comes for the first time and does not begin at the beginning: it learns where it began. */
    tellsStart?: boolean
  },
): Response {
  const release = slots.take(who)
  if (release === undefined) {
    throw new Unavailable('streams-demais', 'Há streams demais aqui. Tente de novo.', RETRY_AFTER_SECONDS)
  }
  const encoder = new TextEncoder()
  let joined: ReturnType<Audience['join']> | undefined
  let isOpen = true
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(opening(who.tellsStart === true ? who.sentThrough : undefined)))
        joined = audience.join({
          ...who,
          send: (text) => {
            if (!isOpen || (controller.desiredSize ?? 0) < 0) return false
            controller.enqueue(encoder.encode(text))
            return true
          },
          close: () => {
            if (!isOpen) return
            isOpen = false
            release()
            controller.close()
          },
        })
      },
      pull: () => joined?.goOn(),
      cancel: () => {
        isOpen = false
        release()
        joined?.leave()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: UNREAD_BYTES_MAX }),
  )
  return new Response(body, { headers: HEADERS })
}
