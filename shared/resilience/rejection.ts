import { Unavailable } from '../errors.ts'

/** Why a call was turned away, or given up, before its dependency had answered. */
type RejectionReason = 'circuit-open' | 'bulkhead-full' | 'deadline' | 'attempt-timeout'

const SECONDS_UNTIL_RETRY = 1

/**
 * A call that a policy ended: the dependency was not called, or not waited for any longer.
 *
 * It is an `Unavailable`, so that an uncaught one is a 503 with `Retry-After` and not a 500.
 */
export class Rejection extends Unavailable {
  readonly dependency: string
  readonly reason: RejectionReason

  constructor(dependency: string, reason: RejectionReason, retryAfterSeconds = SECONDS_UNTIL_RETRY) {
    super('dependencia-indisponivel', 'O serviço está momentaneamente indisponível.', retryAfterSeconds)
    this.name = 'Rejection'
    this.dependency = dependency
    this.reason = reason
  }
}

/** True where `error` is a `Rejection`, for one of `reasons` where they are given. */
export const isRejection = (error: unknown, ...reasons: readonly RejectionReason[]): error is Rejection =>
  error instanceof Rejection && (reasons.length === 0 || reasons.includes(error.reason))
