import type { WebhookPoster } from '../../../apps/avisos/src/avisar/poster.ts'
import type { Process } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Wire } from '../servers/wire.ts'
import type { Hook } from './plan.ts'

/** A message as a receiver was sent it, and what it said. */
type Message = { url: string; id: string; body: string; status: number }

/** The merchants' receivers: each is unwell for a while, and one may be gone for good. */
export type Receivers = {
  readonly messages: readonly Message[]
  /** The product's way to them, from one instance. */
  posterOf(process: Process): WebhookPoster
}

type ReceiversDeps = { scheduler: Scheduler; wire: Wire; hooks: readonly Hook[] }

const OK = 204
const UNWELL = 503
const GONE = 410

export const urlOf = (hook: number): string => `https://loja.example/${hook}`

export function createReceivers({ scheduler, wire, hooks }: ReceiversDeps): Receivers {
  const messages: Message[] = []
  const statusOf = (url: string): number => {
    const hook = hooks.find(({ id }) => urlOf(id) === url)
    const now = scheduler.now()
    const isIn = (span: { from: number; to: number } | undefined): boolean =>
      span !== undefined && now >= span.from && now < span.to
    if (isIn(hook?.gone)) return GONE
    return isIn(hook?.unwell) ? UNWELL : OK
  }
  return {
    messages,
    posterOf: (process) => {
      const line = wire.line({ process, ordered: false, broken: () => new Error('socket hang up') })
      return {
        send: async ({ url, headers, body }) => {
          const began = scheduler.now()
          const end = (result: { status: number | undefined; error: string | undefined }) => {
            const durationMs = Math.round(scheduler.now() - began)
            return { ...result, durationMs, answer: undefined, interrupted: false, unresolved: false }
          }
          const id = headers['webhook-id'] ?? ''
          const execute = (reply: (outcome: { value: number }) => void): void => {
            const status = statusOf(url)
            scheduler.note(`receiver  ${url.slice(-1)} is sent ${id.slice(-4)} and says ${status}`)
            messages.push({ url, id, body, status })
            reply({ value: status })
          }
          const refusal = (): Error => new Error('connect ECONNREFUSED')
          try {
            const status = await wire.send<number>({ line, what: 'POST', up: () => true, refusal, execute })
            return end({ status, error: undefined })
          } catch (error) {
            return end({ status: undefined, error: String(error) })
          }
        },
        close: () => {},
      }
    },
  }
}
