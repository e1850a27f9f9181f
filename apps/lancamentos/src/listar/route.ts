import { DiaSchema, limiteSchema } from '@fluxo/shared/campos'
import { DomainError } from '@fluxo/shared/errors'
import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { csvFormatOf, FormatoSchema } from '@fluxo/shared/http/csv-format'
import { type Cursor, CursorSchema, createCursor, ProximoSchema } from '@fluxo/shared/http/cursor'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { documented, LEITURA, parameter } from '@fluxo/shared/http/openapi'
import { parametrosDe } from '@fluxo/shared/http/query'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { ReferenciaSchema, TipoSchema } from '../domain/pedido.ts'
import { lancamentoJson } from '../domain/resposta.ts'
import { ID_DE_EXEMPLO, LancamentoSchema } from '../registrar/schema.ts'
import { createArquivos } from './arquivo.ts'
import { escopoDoCursor, filtrosDe, lerPonto, paginar, textoDoPonto } from './listar.ts'
import type { LeituraStore } from './store.ts'

export type ListarDeps = {
  leitura: LeituraStore
  verifier: Verifier
  limites?: Limites | undefined
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
  /** How long a file waits for its reader; shorter only in tests. */
  paradoMaxMs?: number | undefined
}

/** Entries of a page (API.md): enough for a screen, at most what a program wants at once. */
const LIMITE_PADRAO = 50
const LIMITE_MAX = 200

const FiltrosSchema = z.strictObject({
  de: DiaSchema.optional().describe('Primeiro dia, inclusive.'),
  ate: DiaSchema.optional().describe('Último dia, inclusive.'),
  data: DiaSchema.optional().describe('Um só dia; não se combina com de e ate.'),
  tipo: TipoSchema.optional().describe('Só créditos, ou só débitos.').openapi({ example: 'CREDITO' }),
  referencia: ReferenciaSchema.optional(),
})

const ConsultaSchema = FiltrosSchema.extend({
  formato: FormatoSchema,
  limite: limiteSchema({ max: LIMITE_MAX, padrao: LIMITE_PADRAO }).optional(),
  cursor: CursorSchema,
})

/** A file holds all entries of its filters: it has no pages. */
const ArquivoSchema = FiltrosSchema.extend({ formato: FormatoSchema })

const PaginaSchema = z
  .object({ itens: z.array(LancamentoSchema), proximo: ProximoSchema })
  .openapi('PaginaDeLancamentos', {
    description: 'Uma página de lançamentos.',
    example: { itens: [], proximo: null },
  })

const CsvSchema = z.string().openapi('LancamentosCsv', {
  description: 'Os lançamentos com as colunas que a importação lê, um por linha (RFC 4180).',
  example: 'data,tipo,valor,descricao,referencia\r\n2025-10-15,CREDITO,150.50,Venda produto X,NF-123\r\n',
})

/** The id of an entry in a path. */
export const IdDoLancamento = z.object({
  id: parameter('IdDoLancamento', z.uuid().openapi({ description: 'O id do lançamento.', example: ID_DE_EXEMPLO })),
})

/** `GET /lancamentos` and `GET /lancamentos/{id}`: the merchant's own entries, and nobody else's. */
export function createListarRoutes({ verifier, limites, cursorSecret, ...deps }: ListarDeps): OpenAPIHono<AppEnv> {
  const { leitura } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const podeLer = requireScope(verifier, 'lancamentos:ler', { admission: limites?.leitura })
  documentarLista(routes, podeLer, deps, createCursor({ segredo: cursorSecret, uso: 'lancamentos' }))
  documented(
    routes,
    {
      method: 'get',
      path: '/lancamentos/{id}',
      operationId: 'obterLancamento',
      tag: 'Lançamentos',
      summary: 'Lê um lançamento',
      escopo: 'lancamentos:ler',
      codigos: [...LEITURA, 'nao-encontrado'],
      request: { params: IdDoLancamento },
      responses: {
        200: {
          description: 'O lançamento',
          headers: headers(),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
      },
    },
    podeLer,
    async (c) => {
      const id = c.req.param('id') ?? ''
      const lancamento = ehId(id) ? await leitura.porId(c.get('comercianteId'), id) : undefined
      if (lancamento === undefined) throw new DomainError('nao-encontrado', 'Não há lançamento com este id.')
      return jsonText(lancamentoJson(lancamento))
    },
  )
  return routes
}

function documentarLista(
  routes: OpenAPIHono<AppEnv>,
  podeLer: ReturnType<typeof requireScope>,
  { leitura, paradoMaxMs }: Pick<ListarDeps, 'leitura' | 'paradoMaxMs'>,
  cursor: Cursor,
): void {
  const arquivo = createArquivos({ leitura, paradoMaxMs })
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
      escopo: 'lancamentos:ler',
      codigos: [...LEITURA, 'cursor-invalido', 'dados-invalidos', 'arquivos-demais'],
      request: { query: ConsultaSchema },
      responses: {
        200: {
          description: 'Uma página; proximo é null na última',
          headers: headers('Content-Disposition', 'Cache-Control'),
          content: { 'application/json': { schema: PaginaSchema }, 'text/csv': { schema: CsvSchema } },
        },
      },
    },
    podeLer,
    async (c) => {
      const parametros = parametrosDe(c.req.url)
      const format = csvFormatOf(c.req.header('accept'), parametros['formato'])
      if (format !== undefined) {
        return arquivo(c, { filtros: filtrosDe(parseWith(ArquivoSchema, parametros)), format })
      }
      const consulta = parseWith(ConsultaSchema, parametros)
      const { limite = LIMITE_PADRAO } = consulta
      const filtros = filtrosDe(consulta)
      const comercianteId = c.get('comercianteId')
      const escopo = escopoDoCursor(comercianteId, filtros)
      const inicio = consulta.cursor === undefined ? undefined : lerPonto(cursor.ler(consulta.cursor, escopo))
      const { itens, depois } = paginar(await leitura.listar(comercianteId, filtros, inicio, limite + 1), limite)
      const proximo = depois === undefined ? 'null' : `"${cursor.escrever(textoDoPonto(depois), escopo)}"`
      return jsonText(`{"itens":[${itens.map(lancamentoJson).join(',')}],"proximo":${proximo}}`)
    },
  )
}
