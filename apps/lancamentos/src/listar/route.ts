import { DomainError } from '@fluxo/shared/errors'
import { DaySchema } from '@fluxo/shared/fields'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { csvFormatOf, FormatSchema } from '@fluxo/shared/http/page/csv-format'
import { createPages, PAGE_PARAMETERS, pageSchema } from '@fluxo/shared/http/page/page'
import { parametersOf } from '@fluxo/shared/http/page/query'
import { parseWith } from '@fluxo/shared/http/validate'
import { isId } from '@fluxo/shared/id'
import { documented, OF_READS, parameter } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { lancamentoJson } from '../domain/lancamento-json.ts'
import { ReferenciaSchema, TipoSchema } from '../domain/novo-lancamento.ts'
import { EXAMPLE_ID, LancamentoSchema } from '../registrar/schema.ts'
import { createFiles } from './file.ts'
import { cursorScope, filtersOf, pointOf } from './listar.ts'
import type { LancamentoReadStore, StoredLancamento } from './store.ts'

export type ListLancamentosDeps = {
  leitura: LancamentoReadStore
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
  /** How long a file waits for its reader; shorter only in tests. */
  stalledMaxMs?: number | undefined
}

const FiltersSchema = z.strictObject({
  de: DaySchema.optional().describe('Primeiro dia, inclusive.'),
  ate: DaySchema.optional().describe('Último dia, inclusive.'),
  data: DaySchema.optional().describe('Um só dia; não se combina com de e ate.'),
  tipo: TipoSchema.optional().describe('Só créditos, ou só débitos.').openapi({ example: 'CREDITO' }),
  referencia: ReferenciaSchema.optional(),
})

const QuerySchema = FiltersSchema.extend({
  formato: FormatSchema,
  ...PAGE_PARAMETERS,
})

/** A file holds all entries of its filters: it has no pages. */
const FileQuerySchema = FiltersSchema.extend({ formato: FormatSchema })

const PageSchema = pageSchema(LancamentoSchema, 'PaginaDeLancamentos', {
  description: 'Uma página de lançamentos.',
  example: [],
})

const CsvSchema = z.string().openapi('LancamentosCsv', {
  description: 'Os lançamentos com as colunas que a importação lê, um por linha (RFC 4180).',
  example: 'data,tipo,valor,descricao,referencia\r\n2025-10-15,CREDITO,150.50,Venda produto X,NF-123\r\n',
})

/** The id of an entry in a path. */
export const LancamentoIdParams = z.object({
  id: parameter('IdDoLancamento', z.uuid().openapi({ description: 'O id do lançamento.', example: EXAMPLE_ID })),
})

/** `GET /lancamentos` and `GET /lancamentos/{id}`: the merchant's own entries, and nobody else's. */
export function createListarRoutes({ verifier, limits, ...deps }: ListLancamentosDeps): OpenAPIHono<AppEnv> {
  const { leitura: readStore } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const mayRead = requireScope(verifier, 'lancamentos:ler', { admission: limits?.leitura })
  documentList(routes, mayRead, deps)
  documented(
    routes,
    {
      method: 'get',
      path: '/lancamentos/{id}',
      operationId: 'obterLancamento',
      tag: 'Lançamentos',
      summary: 'Lê um lançamento',
      scope: 'lancamentos:ler',
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: LancamentoIdParams },
      responses: {
        200: {
          description: 'O lançamento',
          headers: headers(),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
      },
    },
    mayRead,
    async (c) => {
      const id = c.req.param('id') ?? ''
      const lancamento = isId(id) ? await readStore.byId(c.get('comercianteId'), id) : undefined
      if (lancamento === undefined) throw new DomainError('nao-encontrado', 'Não há lançamento com este id.')
      return jsonText(lancamentoJson(lancamento))
    },
  )
  return routes
}

function documentList(
  routes: OpenAPIHono<AppEnv>,
  mayRead: ReturnType<typeof requireScope>,
  { leitura: readStore, cursorSecret, stalledMaxMs }: Omit<ListLancamentosDeps, 'verifier' | 'limits'>,
): void {
  const file = createFiles({ leitura: readStore, stalledMaxMs })
  const page = createPages<StoredLancamento>({ cursorSecret, purpose: 'lancamentos', pointOf, json: lancamentoJson })
  documented(
    routes,
    {
      method: 'get',
      path: '/lancamentos',
      operationId: 'listarLancamentos',
      tag: 'Lançamentos',
      summary: 'Lista lançamentos, do mais novo para o mais antigo por (data, posição)',
      description:
        'Com `Accept: text/csv` ou `formato=planilha`, todos os lançamentos dos filtros como um arquivo, sem páginas: o CSV tem as ' +
        'colunas que a importação lê.',
      scope: 'lancamentos:ler',
      codigos: [...OF_READS, 'cursor-invalido', 'dados-invalidos', 'arquivos-demais'],
      request: { query: QuerySchema },
      responses: {
        200: {
          description: 'Uma página; proximo é null na última',
          headers: headers('Content-Disposition', 'Cache-Control'),
          content: { 'application/json': { schema: PageSchema }, 'text/csv': { schema: CsvSchema } },
        },
      },
    },
    mayRead,
    async (c) => {
      const parameters = parametersOf(c.req.url)
      const format = csvFormatOf(c.req.header('accept'), parameters['formato'])
      if (format !== undefined) {
        return file(c, { filters: filtersOf(parseWith(FileQuerySchema, parameters)), format })
      }
      const query = parseWith(QuerySchema, parameters)
      const filters = filtersOf(query)
      const comercianteId = c.get('comercianteId')
      return page({
        query,
        scope: cursorScope(comercianteId, filters),
        read: (after, count) => readStore.listar(comercianteId, filters, after, count),
      })
    },
  )
}
