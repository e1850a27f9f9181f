import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type CampoInvalido, DemaisRequisicoes, DomainError, Indisponivel, ValidationError } from '../errors.ts'
import { type Logger, serializeError } from '../telemetry/logger.ts'
import type { AppEnv } from './env.ts'

/** Which status a refusal gets: the only place. An app adds its own codes through `createHttpApp({ statuses })`. */
const STATUSES: Readonly<Record<string, number>> = {
  'cabecalho-invalido': 400,
  'cursor-invalido': 400,
  'endereco-invalido': 400,
  'json-invalido': 400,
  'requisicao-interrompida': 400,
  'requisicao-malformada': 400,
  'parametro-invalido': 400,
  'token-ausente': 401,
  'token-invalido': 401,
  'token-expirado': 401,
  'escopo-ausente': 403,
  'nao-encontrado': 404,
  'metodo-nao-permitido': 405,
  'corpo-grande-demais': 413,
  'endereco-longo-demais': 414,
  'midia-nao-suportada': 415,
  'dados-invalidos': 422,
  'requisicoes-demais': 429,
  'cabecalhos-grandes-demais': 431,
}

/** A refusal whose code nobody gave a status: the request was understood and its content refused. */
const STATUS_OF_REFUSAL = 422

const TITLES: Readonly<Record<number, string>> = {
  400: 'Requisição inválida',
  401: 'Não autenticado',
  403: 'Acesso negado',
  404: 'Não encontrado',
  405: 'Método não permitido',
  408: 'Tempo esgotado',
  409: 'Conflito',
  413: 'Conteúdo grande demais',
  414: 'Endereço longo demais',
  415: 'Tipo de conteúdo não suportado',
  422: 'Conteúdo recusado',
  429: 'Requisições demais',
  431: 'Cabeçalhos grandes demais',
  500: 'Erro interno',
  503: 'Serviço indisponível',
}

/** Codes and texts for refusals that Hono or its validators raise by themselves. */
const OF_STATUS: Readonly<Record<number, readonly [codigo: string, detail: string]>> = {
  400: ['requisicao-malformada', 'A requisição não pôde ser lida.'],
  413: ['corpo-grande-demais', 'O corpo da requisição é grande demais.'],
  415: ['midia-nao-suportada', 'O tipo de conteúdo não é aceito aqui.'],
}

export type Problem = {
  status: number
  codigo: string
  detail: string
  instance: string
  erros?: readonly CampoInvalido[]
  extra?: Readonly<Record<string, unknown>>
  headers?: Readonly<Record<string, string>>
}

/** The text of an RFC 9457 document. `extra` never replaces a member of the standard. */
export const problemText = ({ status, codigo, detail, instance, erros, extra }: Problem): string =>
  JSON.stringify({
    ...extra,
    type: `/problemas/${codigo}`,
    title: TITLES[status] ?? 'Erro',
    status,
    detail,
    instance,
    codigo,
    ...(erros !== undefined && { erros }),
  })

/** An RFC 9457 answer. */
export const problemAnswer = (problem: Problem): Response =>
  new Response(problemText(problem), {
    status: problem.status,
    headers: { 'Content-Type': 'application/problem+json', ...problem.headers },
  })

/** The path of a URL as it was written, without host and query: safe to show and to log. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.search(/[?#]/)
  return start === -1 ? '/' : url.slice(start, end === -1 ? undefined : end)
}

type ProblemOptions = { statuses?: Readonly<Record<string, number>>; log: Logger }

/**
 * Makes the one function that turns anything thrown into an answer.
 *
 * Refusals keep their code and text; `Indisponivel` becomes 503 with `Retry-After`; all else is a bug of ours: logged with its
 * stack, answered as a bare 500.
 */
export function createProblemResponse({ statuses = {}, log }: ProblemOptions) {
  const table = { ...STATUSES, ...statuses }
  return function problemResponse(c: Context<AppEnv>, error: unknown): Response {
    const instance = pathOf(c.req.url)
    if (error instanceof DomainError) return problemAnswer(ofRefusal(error, table, instance))
    if (error instanceof Indisponivel) {
      // Without the stack: this comes by the thousand exactly when there is no time for it.
      const cause = error.cause === undefined ? undefined : serializeError(error.cause)['message']
      log.warn({ requestId: c.get('requestId'), codigo: error.codigo, cause }, 'unavailable')
      const headers = { 'Retry-After': String(Math.max(1, Math.ceil(error.retryAfterSeconds))) }
      return problemAnswer({ status: 503, codigo: error.codigo, detail: error.message, instance, headers })
    }
    const known = error instanceof HTTPException ? OF_STATUS[error.status] : undefined
    if (error instanceof HTTPException && known !== undefined) {
      return problemAnswer({ status: error.status, codigo: known[0], detail: known[1], instance })
    }
    log.error({ err: error, requestId: c.get('requestId') }, 'internal error')
    return problemAnswer({ status: 500, codigo: 'erro-interno', detail: 'Ocorreu um erro interno.', instance })
  }
}

function ofRefusal(error: DomainError, table: Readonly<Record<string, number>>, instance: string): Problem {
  const status = table[error.codigo] ?? STATUS_OF_REFUSAL
  const challenge = challengeOf(status, error)
  const headers = {
    ...(challenge !== undefined && { 'WWW-Authenticate': challenge }),
    ...(error instanceof DemaisRequisicoes && { 'Retry-After': String(error.retryAfterSeconds) }),
  }
  return {
    status,
    codigo: error.codigo,
    detail: error.message,
    instance,
    extra: error.extra,
    ...(error instanceof ValidationError && { erros: error.erros }),
    headers,
  }
}

/** RFC 6750 section 3: no error code where no token was given; ASCII only, so the Portuguese text stays in the body. */
function challengeOf(status: number, { codigo, extra }: DomainError): string | undefined {
  if (status === 401) {
    return codigo === 'token-ausente' ? 'Bearer realm="fluxo"' : 'Bearer realm="fluxo", error="invalid_token"'
  }
  if (codigo !== 'escopo-ausente') return undefined
  return `Bearer realm="fluxo", error="insufficient_scope", scope="${String(extra['escopo'])}"`
}
