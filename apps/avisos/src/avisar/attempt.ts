import type { Clock } from '@fluxo/shared/clock'
import { isRejection } from '@fluxo/shared/resilience/rejection'
import { avisoBody } from '../notar/body.ts'
import { outcomeOf } from './avisar.ts'
import type { AvisoEnding } from './aviso-store.ts'
import type { Circuit, Circuits } from './circuits.ts'
import type { ClaimedAviso } from './claim-store.ts'
import type { PostResult, WebhookPoster } from './poster.ts'
import { attemptWaitMs, TERM_MS } from './schedule.ts'
import { signatureHeaders, validSecrets } from './signature.ts'

type AttemptDeps = {
  clock: Clock
  poster: WebhookPoster
  now: () => Date
  circuits: Circuits
  waits: readonly number[]
  restMs: number
}

/** A receiver that is unwell, as the circuit breaker hears of it. */
class UnwellAlvo extends Error {
  readonly result: PostResult
  constructor(result: PostResult) {
    super('the receiver is unwell')
    this.result = result
  }
}

/** What came of a delivery in hand, and whether its webhook rests. */
export type AttemptEnd = { ending: AvisoEnding; rest?: boolean }

/** One attempt. A circuit that is open, a name that nobody resolves, or an instance that leaves, gives the delivery back: that was none. */
export async function attempt(
  { poster, now, circuits, restMs, waits, clock }: AttemptDeps,
  aviso: ClaimedAviso,
  stop: AbortSignal,
): Promise<AttemptEnd> {
  const { id, url, comercianteId } = aviso
  const body = bodyOf(aviso)
  const at = now()
  const message = { id: avisoMessageId(id), timestamp: Math.floor(at.getTime() / 1_000), body }
  const headers = signatureHeaders(message, validSecrets(aviso, at))
  const circuit = circuits.of(aviso)
  const post = async (): Promise<PostResult> => {
    const result = await poster.send({ url, comercianteId, headers, body }, stop)
    if (!result.interrupted && outcomeOf(result) === 'try-again') throw new UnwellAlvo(result)
    return result
  }
  const terms = { waits, restMs, at, random: clock.random }
  const endWith = (result: PostResult): AttemptEnd => ({ ending: endingOf(aviso, terms, result) })
  try {
    return endWith(await circuit.breaker.execute(post, stop))
  } catch (error) {
    if (isRejection(error)) {
      return { ending: giveBack(aviso, terms, restReason(circuit)), rest: true }
    }
    if (!(error instanceof UnwellAlvo)) throw error
    circuit.failure = error.result.error ?? `status ${error.result.status}`
    return endWith(error.result)
  }
}

/** Why nothing is tried for a moment, in words for the merchant. */
const restReason = ({ failure }: Circuit): string => `em pausa: o destino vem falhando (${failure})`

type Terms = { waits: readonly number[]; restMs: number; at: Date; random: () => number }

/** Gives a delivery back untried, until it has been so for as long as all attempts take together. */
function giveBack({ id, tentativa, heldSince }: ClaimedAviso, { restMs, at }: Terms, reason: string): AvisoEnding {
  const isOver = heldSince !== undefined && at.getTime() - heldSince.getTime() > TERM_MS
  const common = { id, tentativa, devolver: true as const, motivo: reason }
  return isOver
    ? { ...common, situacao: 'exhausted', waitMs: undefined }
    : { ...common, situacao: 'pending', waitMs: restMs }
}

function endingOf(aviso: ClaimedAviso, terms: Terms, result: PostResult): AvisoEnding {
  const { id, tentativa, passo } = aviso
  const { status, error: errorText, durationMs, answer, interrupted, unresolved } = result
  if (interrupted) return { id, tentativa, devolver: true, situacao: 'pending', waitMs: 0, motivo: undefined }
  if (unresolved) return giveBack(aviso, terms, String(errorText))
  const outcome = outcomeOf(result)
  const wait = outcome === 'try-again' ? attemptWaitMs(passo + 1, terms.random(), terms.waits) : undefined
  const terminal = outcome === 'delivered' ? 'delivered' : outcome === 'disable' ? 'cancelled' : 'exhausted'
  const avisoStatus = wait === undefined ? terminal : 'pending'
  return {
    id,
    tentativa,
    devolver: false,
    situacao: avisoStatus,
    waitMs: wait,
    durationMs,
    status,
    error: errorText,
    answer,
  }
}

/** What is sent: the event, or the merchant's own test. */
const bodyOf = ({ corpo, tipo, createdAt, id }: ClaimedAviso): string =>
  corpo ?? avisoBody(tipo, createdAt.toISOString(), { id })

/** The id of a delivery as receivers and merchants see it: the key by which a receiver knows a repeated one. */
export const avisoMessageId = (id: string): string => `msg_${id}`
