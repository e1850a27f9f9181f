import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Codigo } from '../codigos/codigos.ts'
import { type Encoding, encodingOfCharset } from '../csv/encoding.ts'
import { DomainError, Unavailable } from '../errors.ts'
import { bodyStream, requireContentType } from '../http/body.ts'
import type { AppEnv } from '../http/env.ts'
import { turns } from '../http/turns.ts'
import { OF_WRITES } from '../openapi/documented.ts'
import { createShares } from '../shares.ts'
import type { ImportFile } from './import-file.ts'
import { atPace, type Chunks, fileOfForm } from './upload.ts'

/** A sender that is silent for a minute, or slower than 1,000 bytes a second, is given up. What arrived is stored. */
const PACE = { waitMs: 60_000, bytesPerSecond: 1_000 }
/**
 * Imports of one instance at a time: each may fill a table of 25 MB (`CONTEUDOS_MAX`) and stores two batches at once. A merchant
 * may send two files at once; half of the places are left for others.
 */
const SLOTS = { max: 4, ownerMax: 2 }
const RETRY_AFTER_SECONDS = 10

const CSV_TYPE = 'text/csv'
const FORM_TYPE = 'multipart/form-data'

/** What a file may be refused for. */
export const OF_FILE = [
  'requisicao-interrompida',
  'corpo-lento',
  'midia-nao-suportada',
  'dados-invalidos',
  'arquivo-vazio',
  'arquivo-nao-e-csv',
  'importacoes-demais',
  ...OF_WRITES,
] as const satisfies Codigo[]

/** The body of an import, as OpenAPI tells it. */
export const ImportFileContent = {
  [CSV_TYPE]: {
    schema: z.string().openapi('ArquivoCsv', {
      description: 'Um arquivo CSV: os nomes das colunas na primeira linha.',
      example: 'data,tipo,valor,descricao\n2025-10-15,CREDITO,150.50,Venda produto X\n',
    }),
  },
  [FORM_TYPE]: {
    schema: z
      .strictObject({ arquivo: z.string().openapi({ format: 'binary', description: 'O mesmo arquivo.' }) })
      .openapi('FormularioComArquivo', {
        description: 'O que um formulário de página envia.',
        example: { arquivo: 'data,tipo,valor,descricao\n2025-10-15,CREDITO,150.50,Venda produto X\n' },
      }),
  },
}

type ReportLine = { linha: number; coluna: string; valor: string; motivo: string }

/** The report of an import whose file has these columns, as the components `report` and `line` of the document. */
export const reportSchema = (
  columns: readonly string[],
  { relatorio: report, linha: line, example }: { relatorio: string; linha: string; example: ReportLine },
) => {
  const LineSchema = z
    .object({
      linha: z.int().describe('A linha física do arquivo em que o registro começa; o cabeçalho é a 1.'),
      coluna: z.enum(columns).nullable(),
      valor: z.string().optional().describe('O que estava na coluna recusada, até 80 caracteres.'),
      motivo: z.string(),
    })
    .openapi(line, { description: 'Uma linha que não entrou, e por quê.', example })
  return z
    .object({
      linhas: z.int(),
      criados: z.int(),
      repetidos: z.int(),
      recusados: z.int(),
      erros: z.array(LineSchema).openapi({ description: 'As primeiras 100 recusas.' }),
    })
    .openapi(report, {
      description: 'O que foi feito do arquivo.',
      example: { linhas: 1_200, criados: 1_199, repetidos: 0, recusados: 1, erros: [example] },
    })
}

/** The `charset` of a Content-Type: `undefined` where there is none, 415 where it is not read. */
function encodingOf(contentType: string): Encoding | undefined {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1]
  if (charset === undefined) return undefined
  const encoding = encodingOfCharset(charset)
  if (encoding) return encoding
  throw new DomainError('midia-nao-suportada', 'O arquivo deve ser UTF-8 ou Latin-1 (ISO-8859-1, windows-1252).')
}

/** The pieces of the file in a request, and its encoding where the request says so. */
function fileOf(c: Context<AppEnv>): ImportFile {
  const mediaType = requireContentType(c, [CSV_TYPE, FORM_TYPE])
  const contentType = c.req.header('content-type') ?? ''
  const body = inTurns(atPace(bodyStream(c), PACE), c.get('comercianteId'))
  if (mediaType === CSV_TYPE) return { chunks: body, encoding: encodingOf(contentType) }
  return { chunks: fileOfForm(body, contentType), encoding: undefined }
}

/** The pieces of a body, each when its merchant's turn has come: what is made of one takes some 10 ms. */
async function* inTurns(body: Chunks, comercianteId: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    await turns.run(comercianteId, nothing())
    yield chunk
  }
}

function* nothing(): Generator<undefined, void> {}

/**
 * Lets a few imports at a time have the file of their request, and of one merchant fewer; a further one gets 503.
 *
 * @example
 * const withFile = createImportSlots()
 * const report = await withFile(c, (file) => importCsvFile({ ...file, importacao, save }))
 */
export function createImportSlots(): <T>(
  c: Context<AppEnv>,
  importFile: (file: ImportFile) => Promise<T>,
) => Promise<T> {
  const slots = createShares(SLOTS)
  return async (c, importFile) => {
    const file = fileOf(c)
    const comercianteId = c.get('comercianteId')
    if (!slots.take(comercianteId)) {
      throw new Unavailable('importacoes-demais', 'Há importações demais em curso.', RETRY_AFTER_SECONDS)
    }
    try {
      return await importFile(file)
    } finally {
      slots.give(comercianteId)
    }
  }
}
