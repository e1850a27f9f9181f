import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { importCsvFile } from '@fluxo/shared/imports/import-file'
import { createImportSlots, ImportFileContent, OF_FILE, reportSchema } from '@fluxo/shared/imports/requests'
import { documented } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import { isAccepted } from '@fluxo/shared/outcome'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { PEDIDOS_LOG } from '../domain/evento.ts'
import type { PedidoStore } from '../mover/store.ts'
import { receberPedido } from '../receber/receber.ts'
import { createImportacao, lineResult } from './importar.ts'
import { COLUMNS } from './line.ts'

export type ImportPedidosDeps = {
  store: Pick<PedidoStore, 'receberLote'>
  verifier: Verifier
  limits?: Limits | undefined
  newId: () => string
  now: () => Date
}

const ReportSchema = reportSchema(COLUMNS, {
  relatorio: 'RelatorioDeImportacaoDePedidos',
  linha: 'LinhaDePedidoRecusada',
  example: { linha: 7, coluna: 'valor', valor: '12,345', motivo: 'Deve ter no máximo 2 casas decimais.' },
})

/** `POST /orders/importacoes`: a CSV file of any size, in constant memory, safe to send again. */
export function createImportarRoutes({ store, verifier, limits, newId, now }: ImportPedidosDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const withFile = createImportSlots()
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
      scope: 'entregas:escrever',
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
    requireScope(verifier, 'entregas:escrever', { admission: limits?.escrita }),
    async (c) => {
      const comercianteId = c.get('comercianteId')
      const posicoes = createPosicoes(PEDIDOS_LOG)
      const report = await withFile(c, (file) => {
        const importacao = createImportacao({ now: now() })
        return importCsvFile({
          ...file,
          importacao,
          save: async (lines) => {
            const time = now()
            const arrivals = lines.map(({ pedido: { occurredAt, ...newPedido }, chave }) => ({
              pedido: receberPedido(newPedido, { comercianteId, id: newId(), now: time, occurredAt }),
              eventoId: newId(),
              actor: comercianteId,
              source: 'importacao' as const,
              chave,
            }))
            const results = await store.receberLote(arrivals)
            for (const result of results) if (isAccepted(result)) posicoes.note(result)
            return results.map(lineResult)
          },
        })
      })
      return jsonText(JSON.stringify(report), 200, posicoes.headers())
    },
  )
  return routes
}
