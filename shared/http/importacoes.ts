import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type Codificacao, codificacaoDeCharset } from '../csv/codificacao.ts'
import { DomainError, Indisponivel } from '../errors.ts'
import { bodyStream, requireContentType } from './body.ts'
import type { AppEnv } from './env.ts'
import type { Arquivo } from './importar-arquivo.ts'
import { arquivoDoFormulario, comLimiteDeEspera } from './upload.ts'

/** A sender that sends nothing for a minute is gone; what it sent until then is stored. */
const ESPERA_MAX_MS = 60_000
/** Imports of one instance at a time: each may fill a table of 100 MB (`CONTEUDOS_MAX`) and keeps two batches in the air. */
const IMPORTACOES_MAX = 4
const RETRY_AFTER_SECONDS = 10

const CSV_TYPE = 'text/csv'
const FORM_TYPE = 'multipart/form-data'

/** The body of an import, as OpenAPI tells it. */
export const ArquivoContent = {
  [CSV_TYPE]: { schema: z.string() },
  [FORM_TYPE]: { schema: z.object({ arquivo: z.string().openapi({ format: 'binary' }) }) },
}

/** The report of an import whose file has these columns. */
export const relatorioSchema = (colunas: readonly string[]) =>
  z.object({
    linhas: z.int(),
    criados: z.int(),
    repetidos: z.int(),
    recusados: z.int(),
    erros: z.array(
      z.object({
        linha: z.int().describe('A linha física do arquivo em que o registro começa; o cabeçalho é a 1.'),
        coluna: z.enum(colunas).nullable(),
        valor: z.string().optional().describe('O que estava na coluna recusada, até 80 caracteres.'),
        motivo: z.string(),
      }),
    ),
  })

/** The `charset` of a Content-Type: `undefined` where there is none, 415 where it is not read. */
function codificacaoDe(contentType: string): Codificacao | undefined {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1]
  if (charset === undefined) return undefined
  const codificacao = codificacaoDeCharset(charset)
  if (codificacao) return codificacao
  throw new DomainError('midia-nao-suportada', 'O arquivo deve ser UTF-8 ou Latin-1 (ISO-8859-1, windows-1252).')
}

/** The pieces of the file in a request, and its encoding where the request says so. */
function arquivoDe(c: Context<AppEnv>): Arquivo {
  const tipo = requireContentType(c, [CSV_TYPE, FORM_TYPE])
  const contentType = c.req.header('content-type') ?? ''
  const corpo = comLimiteDeEspera(bodyStream(c), ESPERA_MAX_MS)
  if (tipo === CSV_TYPE) return { trechos: corpo, codificacao: codificacaoDe(contentType) }
  return { trechos: arquivoDoFormulario(corpo, contentType), codificacao: undefined }
}

/** Lets a few imports at a time have the file of their request; a further one hears 503. */
export function createImportacoes(): <T>(c: Context<AppEnv>, importar: (arquivo: Arquivo) => Promise<T>) => Promise<T> {
  let emCurso = 0
  return async (c, importar) => {
    const arquivo = arquivoDe(c)
    if (emCurso >= IMPORTACOES_MAX) {
      throw new Indisponivel('importacoes-demais', 'Há importações demais em curso.', RETRY_AFTER_SECONDS)
    }
    emCurso += 1
    try {
      return await importar(arquivo)
    } finally {
      emCurso -= 1
    }
  }
}
