import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { CODIGOS, type Codigo } from '../codigos/codigos.ts'
import { DomainError, type InvalidField, TooManyRequests, Unavailable, ValidationError } from '../errors.ts'
import { type Logger, serializeError } from '../telemetry/logger.ts'
import type { AppEnv } from './env.ts'

/** Codes and texts for refusals that Hono or its validators raise by themselves. */
const OF_STATUS: Readonly<Record<number, readonly [codigo: Codigo, detail: string]>> = {
  400: ['requisicao-malformada', 'A requisição não pôde ser lida.'],
  413: ['corpo-grande-demais', 'O corpo da requisição é grande demais.'],
  415: ['midia-nao-suportada', 'O tipo de conteúdo não é aceito aqui.'],
}

export type Problem = {
  codigo: Codigo
  detail: string
  instance: string
  erros?: readonly InvalidField[]
  extra?: Readonly<Record<string, unknown>>
  headers?: Readonly<Record<string, string>>
}

/** The text of an RFC 9457 document. `extra` never replaces a member of the standard. */
export const problemText = ({ codigo, detail, instance, erros: errors, extra }: Problem): string =>
  JSON.stringify({
    ...extra,
    type: `/problemas/${codigo}`,
    title: CODIGOS[codigo].titulo,
    status: CODIGOS[codigo].status,
    detail,
    instance,
    codigo,
    ...(errors !== undefined && { erros: errors }),
  })

/** An RFC 9457 answer. */
export const problemAnswer = (problem: Problem): Response =>
  new Response(problemText(problem), {
    status: CODIGOS[problem.codigo].status,
    headers: { 'Content-Type': 'application/problem+json', ...problem.headers },
  })

/** The path of a URL as it was written, without host and query: safe to show and to log. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.search(/[?#]/)
  return start === -1 ? '/' : url.slice(start, end === -1 ? undefined : end)
}

/**
 * Makes the one function that turns anything thrown into an answer.
 *
 * Refusals keep their code and text; `Unavailable` becomes 503 with `Retry-After`; all else is a bug of ours: logged with its
 * stack, answered as a bare 500.
 */
export function createProblemResponse({ log }: { log: Logger }) {
  return function problemResponse(c: Context<AppEnv>, error: unknown): Response {
    const instance = pathOf(c.req.url)
    if (error instanceof DomainError) return problemAnswer(ofRefusal(error, instance))
    if (error instanceof Unavailable) {
      // Without the stack: this comes by the thousand exactly when there is no time for it.
      const cause = error.cause === undefined ? undefined : serializeError(error.cause)['message']
      log.warn({ requestId: c.get('requestId'), codigo: error.codigo, cause }, 'unavailable')
      const headers = { 'Retry-After': String(Math.max(1, Math.ceil(error.retryAfterSeconds))) }
      return problemAnswer({ codigo: error.codigo, detail: error.message, instance, headers })
    }
    const known = error instanceof HTTPException ? OF_STATUS[error.status] : undefined
    if (error instanceof HTTPException && known !== undefined) {
      return problemAnswer({ codigo: known[0], detail: known[1], instance })
    }
    log.error({ err: error, requestId: c.get('requestId') }, 'internal error')
    return problemAnswer({ codigo: 'erro-interno', detail: 'Ocorreu um erro interno.', instance })
  }
}

function ofRefusal(error: DomainError, instance: string): Problem {
  const challenge = challengeOf(error)
  const headers = {
    ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
    ...(error instanceof TooManyRequests && { 'Retry-After': String(error.retryAfterSeconds) }),
  }
  return {
    codigo: error.codigo,
    detail: error.message,
    instance,
    extra: error.extra,
    ...(error instanceof ValidationError && { erros: error.erros }),
    headers,
  }
}

/** RFC 6750 section 3: no error code where no token was given; ASCII only, so the Portuguese text stays in the body. */
function challengeOf({ codigo, extra }: DomainError): string | undefined {
  if (CODIGOS[codigo].status === 401) {
    return codigo === 'token-ausente' ? 'Bearer realm="fluxo"' : 'Bearer realm="fluxo", error="invalid_token"'
  }
  if (codigo !== 'escopo-ausente') return undefined
  return `Bearer realm="fluxo", error="insufficient_scope", scope="${String(extra['escopo'])}"`
}
