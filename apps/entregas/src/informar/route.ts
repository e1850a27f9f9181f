import { headers } from '@fluxo/shared/http/answers'
import { requireScope } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { CORPO_JSON, documented, ESCRITA } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { OpenAPIHono } from '@hono/zod-openapi'
import { chaveDoInforme } from '../domain/impressao.ts'
import type { Mudanca } from '../domain/mudanca.ts'
import { InformeSchema } from '../domain/pedido.ts'
import { exigirPassado, naoEncontrado } from '../mover/mover.ts'
import { CORRIDAS_MAX, type Feita, pedidoOcupado } from '../mover/mudar.ts'
import { idDe, type MoverDeps, respostaDaMudanca } from '../mover/route.ts'
import { PedidoSchema } from '../mover/schema.ts'
import { IdDoPedido } from '../receber/schema.ts'
import { mudancasDoInforme } from './informar.ts'

const InformeBody = InformeSchema.openapi('EventoDosCorreios', {
  description: 'Um evento do SRO, como os Correios o deram.',
  example: { type: 'BDE', status: 1, occurred_at: '2025-10-17T10:12:00-03:00', location: 'São Paulo/SP' },
})

type Aplicar = { mudancas: readonly Mudanca[]; chave: string; rastro: string | undefined }

/** Makes the changes one after the other; the last one carries the key. `undefined` where somebody else moved the order. */
async function aplicar({ store, novoId, agora }: MoverDeps, { mudancas, chave, rastro }: Aplicar) {
  let feita: Feita | undefined
  for (const [i, mudanca] of mudancas.entries()) {
    const ultima = i === mudancas.length - 1
    const mudado = await store.mover({
      mudanca,
      eventoId: novoId(),
      createdAt: agora(),
      rastro,
      ...(ultima && { chave }),
    })
    if (mudado.desfecho === 'barrado') return undefined
    feita = { ...mudado, repetido: mudado.desfecho === 'repetido' }
  }
  return feita
}

/** `POST /orders/{id}/carrier-events`: what the Correios tell of an order. The same event twice is one event. */
export function createInformarRoutes(deps: MoverDeps): OpenAPIHono<AppEnv> {
  const { leitura, verifier, limites, agora } = deps
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/carrier-events',
      operationId: 'registrarEventoDaTransportadora',
      tag: 'Entregas',
      summary: 'Registra um evento dos Correios (SRO)',
      description: 'Um evento atrasado é guardado e não volta o status. O mesmo evento de novo não muda nada.',
      escopo: 'entregas:escrever',
      codigos: [...CORPO_JSON, ...ESCRITA, 'nao-encontrado', 'evento-desconhecido', 'pedido-ocupado'],
      request: {
        params: IdDoPedido,
        body: { required: true, content: { 'application/json': { schema: InformeBody } } },
      },
      responses: {
        200: {
          description: 'O pedido como está',
          headers: headers('Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: PedidoSchema } },
        },
      },
    },
    requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita }),
    async (c) => {
      const pedidoId = idDe(c)
      const informe = parseWith(InformeSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      exigirPassado(informe.occurred_at, agora())
      const comercianteId = c.get('comercianteId')
      const { type, status, occurred_at: occurredAt, location = '', tracking_code: objeto = '' } = informe
      const chave = chaveDoInforme(pedidoId, [type, String(status), occurredAt.toISOString(), location, objeto])
      for (let corrida = 0; corrida < CORRIDAS_MAX; corrida += 1) {
        // The key first: an order that is read after it has what the event with this key did.
        const conhecido = await leitura.porChave(comercianteId, chave)
        const pedido = await leitura.porId(comercianteId, pedidoId)
        if (pedido === undefined) throw naoEncontrado()
        if (conhecido?.pedidoId === pedidoId) return respostaDaMudanca({ ...conhecido, pedido, repetido: true })
        const mudancas = mudancasDoInforme(pedido, informe)
        const movido = await aplicar(deps, { mudancas, chave, rastro: c.get('traceparent') })
        if (movido !== undefined) return respostaDaMudanca(movido)
      }
      throw pedidoOcupado()
    },
  )
  return routes
}
