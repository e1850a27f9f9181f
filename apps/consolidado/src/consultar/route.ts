import { hash } from 'node:crypto'
import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { isDay } from '@fluxo/shared/day'
import { ValidationError } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { csvFormatOf, csvHeaders } from '@fluxo/shared/http/page/csv-format'
import { parseWith } from '@fluxo/shared/http/validate'
import { decimalFromCents } from '@fluxo/shared/money'
import { documented, OF_LIMITS, type Operation } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { consultarPeriod, periodCsv, periodJson } from './consultar.ts'
import { dayEtag, etagMatches } from './etag.ts'
import { type PositionWait, readWait } from './posicao.ts'
import { type AppliedPositions, createPositionWait } from './position-wait.ts'
import { createDayReader, type DayAnswer, unavailableIfAway } from './read-day.ts'
import {
  DayParamsSchema,
  NoParametersSchema,
  PeriodCsvSchema,
  PeriodQuerySchema,
  PeriodSchema,
  SaldoSchema,
  WaitHeadersSchema,
} from './schema.ts'
import { addStateRoute } from './state-route.ts'
import type { BalanceReadStore } from './store.ts'

export type ConsultarDeps = {
  store: BalanceReadStore
  cache: VersionedCache
  inbox: AppliedPositions
  verifier: Verifier
  limits?: Limits | undefined
  particoes: number
}

const CACHE_CONTROL = 'private, no-cache'

/** `GET /consolidado/{data}`, `GET /consolidado?de=&ate=`, and `GET /saldos` for services. */
export const createConsultarRoutes = (deps: ConsultarDeps): OpenAPIHono<AppEnv> => {
  const { store, cache, verifier, limits, particoes } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const reader = createDayReader({ cache, store })
  const waitForPositions = createPositionWait(deps.inbox)
  const waitAsAsked = async (c: Context<AppEnv>, posicao: string): Promise<PositionWait> => {
    const wait = readWait(posicao, c.req.header('prefer'), particoes)
    await waitForPositions(c.get('comercianteId'), wait, c.req.raw.signal)
    return wait
  }
  const scope = requireScope(verifier, 'consolidado:ler', { admission: limits?.leitura })

  documented(routes, DAY_ROUTE, scope, async (c) => {
    const data = c.req.param('data') ?? ''
    if (!isDay(data)) parseWith(DayParamsSchema, { data })
    if (c.req.url.includes('?')) parseWith(NoParametersSchema, parameters(c))
    const comercianteId = c.get('comercianteId')
    const posicao = c.req.header('fluxo-posicao')
    if (posicao === undefined) return dayAnswer(c, comercianteId, await reader.read(comercianteId, data))

    const wait = await waitAsAsked(c, posicao)
    // Not from the cache: the consumer writes it after the commit that ended the wait, so it may still be older.
    const answer = await reader.readFromSource(comercianteId, data, c.req.raw.signal)
    return dayAnswer(c, comercianteId, answer, wait)
  })

  documented(routes, PERIOD_ROUTE, scope, async (c) => {
    const { de, ate, formato: format } = parseWith(PeriodQuerySchema, parameters(c))
    const posicao = c.req.header('fluxo-posicao')
    const wait = posicao === undefined ? undefined : await waitAsAsked(c, posicao)
    const { openingSaldo, days } = await store.readPeriod(c.get('comercianteId'), de, ate).catch((error: unknown) => {
      throw unavailableIfAway(error)
    })
    const period = consultarPeriod(de, ate, openingSaldo, days)
    const csv = csvFormatOf(c.req.header('accept'), format)
    const text = csv ? periodCsv(period, csv) : periodJson(period)
    const validators = { ETag: bodyEtag(text, c.get('comercianteId')), Vary: 'Accept', ...preferenceApplied(wait) }
    const content = csv
      ? {
          ...csvHeaders(`consolidado_${de}_${ate}.csv`),
          'Fluxo-Saldo-Inicial': decimalFromCents(period.openingSaldo),
          'Fluxo-Saldo-Final': decimalFromCents(period.closingSaldo),
        }
      : { 'Content-Type': 'application/json' }
    return respond(c, text, content, validators, 'bypass')
  })
  addStateRoute(routes, { ...deps, waitForPositions })
  return routes
}

/** The query as a record; a name that comes twice is refused, since one of the values would be ignored. */
function parameters(c: Context<AppEnv>): Record<string, string> {
  const all = Object.entries(c.req.queries())
  const repeated = all.filter(([, values]) => values.length > 1)
  if (repeated.length > 0) {
    throw new ValidationError(repeated.map(([campo]) => ({ campo, mensagem: 'Foi dado mais de uma vez.' })))
  }
  return Object.fromEntries(all.map(([name, values]) => [name, values[0] ?? '']))
}

/** The same bytes, the same tag; the merchant is in it for the reason given at `dayEtag`. */
const bodyEtag = (text: string, comercianteId: string): string =>
  `"${hash('sha256', `${comercianteId}\n${text}`, 'base64url').slice(0, 22)}"`

/** RFC 7240: tells that `Prefer: wait` was heeded, and with how many seconds. */
const preferenceApplied = (wait: PositionWait | undefined): Record<string, string> =>
  wait?.preferred === undefined ? {} : { 'Preference-Applied': `wait=${wait.preferred}` }

const JSON_CONTENT = { 'Content-Type': 'application/json' }

const dayAnswer = (
  c: Context<AppEnv>,
  comercianteId: string,
  { versao, body, source }: DayAnswer,
  wait?: PositionWait,
) => respond(c, body, JSON_CONTENT, { ETag: dayEtag(versao, comercianteId), ...preferenceApplied(wait) }, source)

/** 200 with `body`, or 304. Plain records of headers: they keep node-server from building a `Headers` (5 µs). */
function respond(
  c: Context<AppEnv>,
  body: string,
  content: Readonly<Record<string, string>>,
  validators: Readonly<Record<string, string>> & { ETag: string },
  source: DayAnswer['source'],
): Response {
  const headers = { ...validators, 'Cache-Control': CACHE_CONTROL, 'Fluxo-Cache': source }
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && etagMatches(ifNoneMatch, validators.ETag)) {
    return new Response(null, { status: 304, headers })
  }
  return new Response(body, { status: 200, headers: { ...content, ...headers } })
}

const HEADERS = headers('ETag', 'Cache-Control', 'Fluxo-Cache', 'Preference-Applied')
const NOT_MODIFIED = { 304: { description: 'Nada mudou desde a resposta do ETag em If-None-Match', headers: HEADERS } }
/** What a read of balances may refuse with. */
const CODIGOS: Operation['codigos'] = [
  'cabecalho-invalido',
  'dados-invalidos',
  'posicao-pendente',
  'consolidado-indisponivel',
  ...OF_LIMITS,
]

const DAY_ROUTE: Operation = {
  method: 'get',
  path: '/consolidado/{data}',
  operationId: 'obterSaldoDoDia',
  tag: 'Consolidado',
  summary: 'O saldo de um dia',
  description: 'Um dia sem lançamentos responde 200 com zeros.',
  scope: 'consolidado:ler',
  codigos: CODIGOS,
  request: { params: DayParamsSchema, headers: WaitHeadersSchema },
  responses: {
    200: {
      description: 'O saldo do dia',
      headers: HEADERS,
      content: { 'application/json': { schema: SaldoSchema } },
    },
    ...NOT_MODIFIED,
  },
}

const PERIOD_ROUTE: Operation = {
  method: 'get',
  path: '/consolidado',
  operationId: 'consultarPeriodo',
  tag: 'Consolidado',
  summary: 'O saldo de um período, dia a dia',
  description:
    'Até 366 dias. São listados os dias com lançamentos. `Accept: text/csv` dá os dias como CSV (RFC 4180), `formato=planilha` como um arquivo para planilhas.',
  scope: 'consolidado:ler',
  codigos: CODIGOS,
  request: { query: PeriodQuerySchema, headers: WaitHeadersSchema },
  responses: {
    200: {
      description: 'O período',
      headers: headers(
        'ETag',
        'Cache-Control',
        'Fluxo-Cache',
        'Preference-Applied',
        'Vary',
        'Content-Disposition',
        'Fluxo-Saldo-Inicial',
        'Fluxo-Saldo-Final',
      ),
      content: { 'application/json': { schema: PeriodSchema }, 'text/csv': { schema: PeriodCsvSchema } },
    },
    ...NOT_MODIFIED,
  },
}
