import { z } from 'zod'
import type { Case } from './case.ts'
import type { Answer, Exchange } from './wire.ts'

/** The longest that any answer may take: a reader may wait one second for a position, the rest is a busy machine. */
export const ANSWER_MS_MAX = 20_000

const ProblemSchema = z.looseObject({
  type: z.string(),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  instance: z.string(),
  codigo: z.string().regex(/^[a-z-]+$/),
})
const CodeSchema = z.looseObject({ codigo: z.string() })
/** What an error must never tell. */
const INSIDES = /node_modules|\.ts:\d|\bat \w+ \(|SQLSTATE|syntax error at/
/** The only reasons to be away for a moment that a request itself can cause. */
const OWN_503 = new Set([
  'posicao-pendente',
  'arquivos-demais',
  'importacoes-demais',
  'corpos-demais',
  'pedido-ocupado',
  'streams-demais',
])
const METRICS = /^# HELP /m
const JSON_TYPE = /^application\/(problem\+)?json/

/** What is wrong with what came back; empty where all is as documented. */
export const complaintsOf = (one: Case, { answers, rest, hung }: Exchange): string[] => {
  if (hung) return [`no end within ${ANSWER_MS_MAX} ms`]
  const complaints = answers.flatMap((answer) => answerComplaints(one, answer))
  if (answers.length === 0 && one.mayBeCut !== true) complaints.push('no answer')
  if (answers.length > one.answersMax)
    complaints.push(`${answers.length} answers to what was at most ${one.answersMax}`)
  // A request without a version is HTTP/0.9, whose answer is a bare body.
  if (rest > 0 && one.class !== 'noise') complaints.push(`${rest} bytes that are no answer`)
  return complaints
}

const answerComplaints = ({ operation, beside, class: kind }: Case, answer: Answer): string[] => {
  const { status, headers, body } = answer
  const complaints: string[] = []
  const known = operation.answers.has(status)
  if (!known && !beside.includes(status)) complaints.push(`${status} is not documented: ${body.slice(0, 200)}`)
  if ('x-injected' in headers || 'set-cookie' in headers) complaints.push('a header came in through a value')
  // An address that resolves to /metrics may be answered so: the services' own doors are not those of nginx.
  if (kind !== 'address' && METRICS.test(body)) complaints.push('the answer of another address')
  if (headers['x-request-id'] === undefined && status < 400) complaints.push('no X-Request-Id')
  if (status >= 400) complaints.push(...problemComplaints(answer))
  const json = JSON_TYPE.test(headers['content-type'] ?? '') ? parsed(body) : undefined
  if (json === NOT_JSON) complaints.push('not the JSON that its type says')
  // What is answered beside the operation may be another's refusal, or nginx's.
  const codigo = CodeSchema.safeParse(json).data?.codigo
  if (codigo !== undefined && known && !beside.includes(status) && !operation.codes.has(codigo))
    complaints.push(`the code ${codigo} is not documented`)
  const check = operation.answers.get(status)
  if (check !== undefined && json !== undefined && json !== NOT_JSON) {
    const wrong = check(json)
    if (wrong !== undefined) complaints.push(`not as documented: ${wrong}`)
  }
  return complaints
}

const problemComplaints = ({ status, headers, body }: Answer): string[] => {
  if (!(headers['content-type'] ?? '').startsWith('application/problem+json'))
    return [`${status} without a problem document`]
  const problem = ProblemSchema.safeParse(parsed(body))
  if (!problem.success) return [`${status} with a broken problem document: ${body.slice(0, 200)}`]
  const { codigo, status: told } = problem.data
  return [
    ...(told === status ? [] : [`${status} says ${told}`]),
    ...(INSIDES.test(body) ? [`the error tells of our insides: ${body.slice(0, 300)}`] : []),
    ...(status >= 500 && !OWN_503.has(codigo) ? [`${status} ${codigo} for what a client sent`] : []),
    ...(status === 503 && headers['retry-after'] === undefined ? ['503 without Retry-After'] : []),
    ...(status === 401 && headers['www-authenticate'] === undefined ? ['401 without WWW-Authenticate'] : []),
    ...(status === 405 && headers['allow'] === undefined ? ['405 without Allow'] : []),
  ]
}

const NOT_JSON = Symbol('not JSON')
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return NOT_JSON
  }
}
