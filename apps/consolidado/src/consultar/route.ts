import { hash } from 'node:crypto'
import type { VersionedCache } from '@fluxo/shared/cache/versioned-cache'
import { diaValido } from '@fluxo/shared/dia'
import { DemaisRequisicoes, Indisponivel, ValidationError } from '@fluxo/shared/errors'
import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { csvFormatOf, csvHeaders } from '@fluxo/shared/http/csv-format'
import type { AppEnv } from '@fluxo/shared/http/env'
import { documented, LIMITADO, type Operation } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { decimalFromCents } from '@fluxo/shared/money'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { createShares } from '@fluxo/shared/shares'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { etagConfere, etagDoDia } from './condicional.ts'
import { consultarPeriodo, periodoCsv, periodoJson } from './consultar.ts'
import { createLeitorDoDia, type DiaLido, indisponivelSe } from './ler-dia.ts'
import { type Espera, lerEspera } from './posicao.ts'
import {
  EsperaHeadersSchema,
  ParamsDoDiaSchema,
  PeriodoCsvSchema,
  PeriodoQuerySchema,
  PeriodoSchema,
  SaldoSchema,
  SemParametrosSchema,
} from './schema.ts'
import type { ConsultaStore } from './store.ts'

export type ConsultarDeps = {
  store: ConsultaStore
  cache: VersionedCache
  inbox: {
    /** True once `posicao` is applied, false where that took longer than `timeoutMs`. */
    waitApplied(
      particao: number,
      posicao: number,
      options: { timeoutMs: number; signal?: AbortSignal },
    ): Promise<boolean>
  }
  verifier: Verifier
  limites?: Limites | undefined
  particoes: number
}

const CACHE_CONTROL = 'private, no-cache'

/** `GET /consolidado/{data}` and `GET /consolidado?de=&ate=` (API.md, Consolidado). */
export const createConsultarRoutes = (deps: ConsultarDeps): OpenAPIHono<AppEnv> => {
  const { store, cache, verifier, limites } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const leitor = createLeitorDoDia({ cache, store })
  const esperar = createEsperar(deps)
  const escopo = requireScope(verifier, 'consolidado:ler', { admission: limites?.leitura })

  documented(routes, ROTA_DO_DIA, escopo, async (c) => {
    const data = c.req.param('data') ?? ''
    if (!diaValido(data)) parseWith(ParamsDoDiaSchema, { data })
    if (c.req.url.includes('?')) parseWith(SemParametrosSchema, parametros(c))
    const comercianteId = c.get('comercianteId')
    const posicao = c.req.header('fluxo-posicao')
    if (posicao === undefined) return respostaDoDia(c, comercianteId, await leitor.ler(comercianteId, data))

    const espera = await esperar(c, posicao)
    // Not from the cache: the consumer writes it after the commit that ended the wait, so it may still be older.
    const lido = await leitor.lerDaFonte(comercianteId, data, c.req.raw.signal)
    return respostaDoDia(c, comercianteId, lido, espera)
  })

  documented(routes, ROTA_DO_PERIODO, escopo, async (c) => {
    const { de, ate, formato } = parseWith(PeriodoQuerySchema, parametros(c))
    const posicao = c.req.header('fluxo-posicao')
    const espera = posicao === undefined ? undefined : await esperar(c, posicao)
    const { saldoInicial, dias } = await store.lerPeriodo(c.get('comercianteId'), de, ate).catch((error: unknown) => {
      throw indisponivelSe(error)
    })
    const periodo = consultarPeriodo(de, ate, saldoInicial, dias)
    const csv = csvFormatOf(c.req.header('accept'), formato)
    const corpo = csv ? periodoCsv(periodo, csv) : periodoJson(periodo)
    const validadores = { ETag: etagDoCorpo(corpo, c.get('comercianteId')), Vary: 'Accept', ...aplicada(espera) }
    const conteudo = csv
      ? {
          ...csvHeaders(`consolidado_${de}_${ate}.csv`),
          'Fluxo-Saldo-Inicial': decimalFromCents(periodo.saldoInicial),
          'Fluxo-Saldo-Final': decimalFromCents(periodo.saldoFinal),
        }
      : { 'Content-Type': 'application/json' }
    return resposta(c, corpo, conteudo, validadores, 'bypass')
  })
  return routes
}

/** Positions that are waited for at a time, and those of one merchant: while anybody waits, all of them are asked for each 20 ms. */
const ESPERAS = { max: 5_000, ownerMax: 500 }
const RETRY_AFTER_SECONDS = 1

/** Waits for the positions that the request names. Throws where one is malformed, or not applied in time. */
function createEsperar({ inbox, particoes }: ConsultarDeps): (c: Context<AppEnv>, posicao: string) => Promise<Espera> {
  const lugares = createShares(ESPERAS)
  return async (c, posicao) => {
    const espera = lerEspera(posicao, c.req.header('prefer'), particoes)
    const options = { timeoutMs: espera.esperaMs, signal: c.req.raw.signal }
    const comercianteId = c.get('comercianteId')
    const quantos = espera.lugares.length
    if (!lugares.take(comercianteId, quantos)) throw new DemaisRequisicoes(RETRY_AFTER_SECONDS)
    try {
      const esperas = espera.lugares.map((lugar) => inbox.waitApplied(lugar.particao, lugar.posicao, options))
      if ((await Promise.all(esperas)).every(Boolean)) return espera
    } catch (error) {
      throw indisponivelSe(error)
    } finally {
      lugares.give(comercianteId, quantos)
    }
    throw new Indisponivel('posicao-pendente', 'O consolidado ainda não chegou à posição pedida.')
  }
}

/** The query as a record; a name that comes twice is refused, since one of the values would be ignored. */
function parametros(c: Context<AppEnv>): Record<string, string> {
  const todos = Object.entries(c.req.queries())
  const repetidos = todos.filter(([, valores]) => valores.length > 1)
  if (repetidos.length > 0) {
    throw new ValidationError(repetidos.map(([campo]) => ({ campo, mensagem: 'Foi dado mais de uma vez.' })))
  }
  return Object.fromEntries(todos.map(([nome, valores]) => [nome, valores[0] ?? '']))
}

/** The same bytes, the same tag; the merchant is in it for the reason given at `etagDoDia`. */
const etagDoCorpo = (corpo: string, comercianteId: string): string =>
  `"${hash('sha256', `${comercianteId}\n${corpo}`, 'base64url').slice(0, 22)}"`

/** RFC 7240: tells that `Prefer: wait` was heeded, and with how many seconds. */
const aplicada = (espera: Espera | undefined): Record<string, string> =>
  espera?.preferida === undefined ? {} : { 'Preference-Applied': `wait=${espera.preferida}` }

const JSON_CONTEUDO = { 'Content-Type': 'application/json' }

const respostaDoDia = (c: Context<AppEnv>, comercianteId: string, { versao, body, origem }: DiaLido, espera?: Espera) =>
  resposta(c, body, JSON_CONTEUDO, { ETag: etagDoDia(versao, comercianteId), ...aplicada(espera) }, origem)

/** 200 with `body`, or 304. Plain records of headers: they keep node-server from building a `Headers` (5 µs). */
function resposta(
  c: Context<AppEnv>,
  body: string,
  conteudo: Readonly<Record<string, string>>,
  validadores: Readonly<Record<string, string>> & { ETag: string },
  origem: DiaLido['origem'],
): Response {
  const headers = { ...validadores, 'Cache-Control': CACHE_CONTROL, 'Fluxo-Cache': origem }
  const ifNoneMatch = c.req.header('if-none-match')
  if (ifNoneMatch !== undefined && etagConfere(ifNoneMatch, validadores.ETag)) {
    return new Response(null, { status: 304, headers })
  }
  return new Response(body, { status: 200, headers: { ...conteudo, ...headers } })
}

const CABECALHOS = headers('ETag', 'Cache-Control', 'Fluxo-Cache', 'Preference-Applied')
const NAO_MUDOU = { 304: { description: 'Nada mudou desde a resposta do ETag em If-None-Match', headers: CABECALHOS } }
/** What a read of balances may refuse with. */
const CODIGOS: Operation['codigos'] = [
  'cabecalho-invalido',
  'dados-invalidos',
  'posicao-pendente',
  'consolidado-indisponivel',
  ...LIMITADO,
]

const ROTA_DO_DIA: Operation = {
  method: 'get',
  path: '/consolidado/{data}',
  operationId: 'obterSaldoDoDia',
  tag: 'Consolidado',
  summary: 'O saldo de um dia',
  description: 'Um dia sem lançamentos responde 200 com zeros.',
  escopo: 'consolidado:ler',
  codigos: CODIGOS,
  request: { params: ParamsDoDiaSchema, headers: EsperaHeadersSchema },
  responses: {
    200: {
      description: 'O saldo do dia',
      headers: CABECALHOS,
      content: { 'application/json': { schema: SaldoSchema } },
    },
    ...NAO_MUDOU,
  },
}

const ROTA_DO_PERIODO: Operation = {
  method: 'get',
  path: '/consolidado',
  operationId: 'consultarPeriodo',
  tag: 'Consolidado',
  summary: 'O saldo de um período, dia a dia',
  description:
    'Até 366 dias. São listados os dias com lançamentos. `Accept: text/csv` dá os dias como CSV (RFC 4180), `formato=planilha` como um arquivo para planilhas.',
  escopo: 'consolidado:ler',
  codigos: CODIGOS,
  request: { query: PeriodoQuerySchema, headers: EsperaHeadersSchema },
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
      content: { 'application/json': { schema: PeriodoSchema }, 'text/csv': { schema: PeriodoCsvSchema } },
    },
    ...NAO_MUDOU,
  },
}
