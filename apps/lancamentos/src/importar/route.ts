import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { ARQUIVO, ArquivoContent, createImportacoes, relatorioSchema } from '@fluxo/shared/http/importacoes'
import { jsonText } from '@fluxo/shared/http/json'
import { documented } from '@fluxo/shared/http/openapi'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { type ImportarDeps, importarArquivo } from './importar-arquivo.ts'
import { COLUNAS } from './linha.ts'

const RelatorioSchema = relatorioSchema(COLUNAS, {
  relatorio: 'RelatorioDeImportacao',
  linha: 'LinhaRecusada',
  exemplo: { linha: 7, coluna: 'valor', valor: '12,345', motivo: 'Deve ter no máximo 2 casas decimais.' },
})

/** `POST /lancamentos/importacoes`: a CSV file of any size, in constant memory, safe to send again. */
export function createImportarRoutes({
  verifier,
  limites,
  ...deps
}: ImportarDeps & { verifier: Verifier; limites?: Limites | undefined }): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const comArquivo = createImportacoes()
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
      escopo: 'lancamentos:escrever',
      codigos: ARQUIVO,
      request: { body: { required: true, content: ArquivoContent } },
      responses: {
        200: {
          description: 'O relatório',
          headers: headers('Fluxo-Posicao'),
          content: { 'application/json': { schema: RelatorioSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limites?.escrita }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const posicoes = createPosicoes()
      const relatorio = await comArquivo(c, (arquivo) => importarArquivo(deps, { ...arquivo, comercianteId, posicoes }))
      return jsonText(JSON.stringify(relatorio), 200, posicoes.cabecalho())
    },
  )
  return routes
}
