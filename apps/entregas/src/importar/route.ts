import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { ARQUIVO, ArquivoContent, createImportacoes, relatorioSchema } from '@fluxo/shared/http/importacoes'
import { importarArquivo } from '@fluxo/shared/http/importar-arquivo'
import { jsonText } from '@fluxo/shared/http/json'
import { documented } from '@fluxo/shared/http/openapi'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { LOG_DOS_PEDIDOS } from '../domain/evento.ts'
import type { PedidoStore } from '../mover/store.ts'
import { receberPedido } from '../receber/receber.ts'
import { aceito, createImportacao, destinoDe } from './importar.ts'
import { COLUNAS } from './linha.ts'

export type ImportarDeps = {
  store: Pick<PedidoStore, 'receberLote'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

const RelatorioSchema = relatorioSchema(COLUNAS, {
  relatorio: 'RelatorioDeImportacaoDePedidos',
  linha: 'LinhaDePedidoRecusada',
  exemplo: { linha: 7, coluna: 'valor', valor: '12,345', motivo: 'Deve ter no máximo 2 casas decimais.' },
})

/** `POST /orders/importacoes`: a CSV file of any size, in constant memory, safe to send again. */
export function createImportarRoutes({ store, verifier, limites, novoId, agora }: ImportarDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const comArquivo = createImportacoes()
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/importacoes',
      operationId: 'importarPedidos',
      tag: 'Entregas',
      summary: 'Importa um arquivo CSV de pedidos, de qualquer tamanho',
      description:
        'Cabeçalho customer_name,address[,valor,referencia,occurred_at] em qualquer ordem; separador "," ou ";"; UTF-8 ' +
        'ou Latin-1. Linhas erradas são relatadas e as demais entram. Enviar o mesmo arquivo de novo não cria nada em dobro.',
      escopo: 'entregas:escrever',
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
    requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const posicoes = createPosicoes(LOG_DOS_PEDIDOS)
      const relatorio = await comArquivo(c, (arquivo) => {
        const importacao = createImportacao({ agora: agora() })
        return importarArquivo({
          ...arquivo,
          importacao,
          gravar: async (linhas) => {
            const momento = agora()
            const recebimentos = linhas.map(({ pedido: { ocorridoEm, ...novo }, chave }) => ({
              pedido: receberPedido(novo, { comercianteId, id: novoId(), agora: momento, ocorridoEm }),
              eventoId: novoId(),
              actor: comercianteId,
              source: 'importacao' as const,
              chave,
            }))
            const recebidos = await store.receberLote(recebimentos)
            for (const recebido of recebidos) if (aceito(recebido)) posicoes.anotar(recebido)
            return recebidos.map(destinoDe)
          },
        })
      })
      return jsonText(JSON.stringify(relatorio), 200, posicoes.cabecalho())
    },
  )
  return routes
}
