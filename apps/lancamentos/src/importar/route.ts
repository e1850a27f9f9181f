import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { createImportSlots, ImportFileContent, OF_FILE, reportSchema } from '@fluxo/shared/imports/requests'
import { documented } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { type ImportLancamentosDeps, importFile } from './import-file.ts'
import { IMPORT_COLUMNS } from './line.ts'

const ReportSchema = reportSchema(IMPORT_COLUMNS, {
  relatorio: 'RelatorioDeImportacao',
  linha: 'LinhaRecusada',
  example: { linha: 7, coluna: 'valor', valor: '12,345', motivo: 'Deve ter no máximo 2 casas decimais.' },
})

/** `POST /lancamentos/importacoes`: a CSV file of any size, in constant memory, safe to send again. */
export function createImportarRoutes({
  verifier,
  limits,
  ...deps
}: ImportLancamentosDeps & { verifier: Verifier; limits?: Limits | undefined }): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const withFile = createImportSlots()
  documented(
    routes,
    {
      method: 'post',
      path: '/lancamentos/importacoes',
      operationId: 'importarLancamentos',
      tag: 'Lançamentos',
      summary: 'Importa um arquivo CSV de qualquer tamanho',
      description:
        'Cabeçalho data,tipo,valor,descricao[,referencia] em qualquer ordem; separador "," ou ";"; UTF-8 ou Latin-1; ' +
        'valores 1234.56, 1.234,56 ou R$ 1.234,56; data AAAA-MM-DD ou DD/MM/AAAA; tipo com ou sem acento e maiúsculas; ' +
        'colunas e linhas vazias que a planilha deixa são ignoradas. Linhas erradas são relatadas e as demais entram. ' +
        'Enviar o mesmo arquivo de novo não cria nada em dobro.',
      scope: 'lancamentos:escrever',
      codigos: OF_FILE,
      request: { body: { required: true, content: ImportFileContent } },
      responses: {
        200: {
          description: 'O relatório',
          headers: headers('Fluxo-Posicao'),
          content: { 'application/json': { schema: ReportSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limits?.escrita }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const posicoes = createPosicoes()
      const report = await withFile(c, (file) => importFile(deps, { ...file, comercianteId, posicoes }))
      return jsonText(JSON.stringify(report), 200, posicoes.headers())
    },
  )
  return routes
}
