import type { Codigo } from './codigos/codigos.ts'

/** One wrong field of a request: where (`campo`, a dotted path) and what is wrong, in Portuguese. */
export type InvalidField = { campo: string; mensagem: string }

/**
 * A refusal: the rules said no to what a client asked.
 *
 * `codigo` is stable and machine readable; `message` is Portuguese and safe to show; `extra` joins the problem document.
 * What a code means, and its HTTP status, is decided in one place, `codigos/`.
 */
export class DomainError extends Error {
  readonly codigo: Codigo
  readonly extra: Readonly<Record<string, unknown>>

  constructor(codigo: Codigo, message: string, extra: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = 'DomainError'
    this.codigo = codigo
    this.extra = extra
  }
}

/** A refusal that names every wrong field of the input. */
export class ValidationError extends DomainError {
  readonly erros: readonly InvalidField[]

  constructor(errors: readonly InvalidField[], message = 'Há campos inválidos.') {
    super('dados-invalidos', message)
    this.name = 'ValidationError'
    this.erros = errors
  }
}

/** A refusal of one request too many: 429, to be tried again after `retryAfterSeconds`. */
export class TooManyRequests extends DomainError {
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number) {
    super('requisicoes-demais', 'Há requisições demais. Espere um pouco e tente de novo.')
    this.name = 'DemaisRequisicoes'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** What is needed to answer is full or away for now: the caller answers 503 with `Retry-After`. */
export class Unavailable extends Error {
  readonly codigo: Codigo
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number

  constructor(codigo: Codigo, message: string, retryAfterSeconds = 1, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Indisponivel'
    this.codigo = codigo
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Why a process cannot serve yet, in words for its operator: `/health/ready` shows them. Never a client's fault, nor an outage. */
export class NotReady extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotReady'
  }
}

/** Throws `Error('invariant: …')` where `condition` does not hold: a bug of ours, never a client's fault. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant: ${message}`)
}
