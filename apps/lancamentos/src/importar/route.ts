import { DomainError, Indisponivel } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { bodyStream, requireContentType } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { COLUNAS } from './cabecalho.ts'
import { type Codificacao, codificacaoDeCharset } from './codificacao.ts'
import { type ImportarDeps, importarArquivo } from './importar-arquivo.ts'
import { arquivoDoFormulario, comLimiteDeEspera, type Trechos } from './receber.ts'

/** A sender that sends nothing for a minute is gone; what it sent until then is stored. */
const ESPERA_MAX_MS = 60_000
/** Imports of one instance at a time: each may fill a table of 100 MB (`CONTEUDOS_MAX`) and keeps two batches in the air. */
const IMPORTACOES_MAX = 4
const RETRY_AFTER_SECONDS = 10

const CSV_TYPE = 'text/csv'
const FORM_TYPE = 'multipart/form-data'

const RelatorioSchema = z
  .object({
    linhas: z.int(),
    criados: z.int(),
    repetidos: z.int(),
    recusados: z.int(),
    erros: z.array(
      z.object({
        linha: z.int().describe('A linha física do arquivo em que o registro começa; o cabeçalho é a 1.'),
        coluna: z.enum(COLUNAS).nullable(),
        motivo: z.string(),
      }),
    ),
  })
  .openapi('RelatorioDaImportacao')

/** The `charset` of a Content-Type: `undefined` where there is none, 415 where it is not read. */
function codificacaoDe(contentType: string): Codificacao | undefined {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1]
  if (charset === undefined) return undefined
  const codificacao = codificacaoDeCharset(charset)
  if (codificacao) return codificacao
  throw new DomainError('midia-nao-suportada', 'O arquivo deve ser UTF-8 ou Latin-1 (ISO-8859-1, windows-1252).')
}

/** The pieces of the file in a request, and its encoding where the request says so. */
function arquivoDe(c: Context<AppEnv>): { trechos: Trechos; codificacao: Codificacao | undefined } {
  const tipo = requireContentType(c, [CSV_TYPE, FORM_TYPE])
  const contentType = c.req.header('content-type') ?? ''
  const corpo = comLimiteDeEspera(bodyStream(c), ESPERA_MAX_MS)
  if (tipo === CSV_TYPE) return { trechos: corpo, codificacao: codificacaoDe(contentType) }
  return { trechos: arquivoDoFormulario(corpo, contentType), codificacao: undefined }
}

/** `POST /lancamentos/importacoes`: a CSV file of any size, in constant memory, safe to send again. */
export function createImportarRoutes({
  verifier,
  limites,
  ...deps
}: ImportarDeps & { verifier: Verifier; limites?: Limites | undefined }): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  let emCurso = 0
  documented(
    routes,
    {
      method: 'post',
      path: '/lancamentos/importacoes',
      tags: ['Lançamentos'],
      summary: 'Importa um arquivo CSV de qualquer tamanho',
      description:
        'Cabeçalho data,tipo,valor,descricao[,referencia] em qualquer ordem; separador "," ou ";"; UTF-8 ou Latin-1; ' +
        'valores 1.234,56 ou 1234.56; data AAAA-MM-DD. Linhas erradas são relatadas e as demais entram. ' +
        'Enviar o mesmo arquivo de novo não cria nada em dobro.',
      security: BEARER,
      request: {
        body: {
          content: {
            [CSV_TYPE]: { schema: z.string() },
            [FORM_TYPE]: { schema: z.object({ arquivo: z.string().openapi({ format: 'binary' }) }) },
          },
        },
      },
      responses: {
        200: { description: 'O relatório', content: { 'application/json': { schema: RelatorioSchema } } },
        ...problemas(400, 401, 403, 408, 415, 422, 429, 503),
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limites?.escrita }),
    async (c) => {
      const arquivo = arquivoDe(c)
      if (emCurso >= IMPORTACOES_MAX) {
        throw new Indisponivel('importacoes-demais', 'Há importações demais em curso.', RETRY_AFTER_SECONDS)
      }
      emCurso += 1
      try {
        const relatorio = await importarArquivo(deps, { ...arquivo, comercianteId: c.get('comercianteId') })
        return jsonText(JSON.stringify(relatorio))
      } finally {
        emCurso -= 1
      }
    },
  )
  return routes
}
