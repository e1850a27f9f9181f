import { requireScope } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_JSON_BODY, OF_WRITES } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { PedidoChange } from '../domain/change.ts'
import { informeChave } from '../domain/impressao.ts'
import { InformeSchema } from '../domain/pedido.ts'
import { type MovedPedido, pedidoBusy, TRIES_MAX } from '../mover/change-pedido.ts'
import { notFound, requirePast } from '../mover/mover.ts'
import { changeAnswer, type MoverDeps, pedidoIdOf } from '../mover/route.ts'
import { PedidoSchema } from '../mover/schema.ts'
import { PedidoIdParam } from '../receber/schema.ts'
import { changesForInforme } from './informar.ts'

const InformeBody = InformeSchema.openapi('EventoDosCorreios', {
  description: 'Um evento do SRO, como os Correios o deram.',
  example: { type: 'BDE', status: 1, occurred_at: '2025-10-17T10:12:00-03:00', location: 'São Paulo/SP' },
})

type ApplyOptions = { changes: readonly PedidoChange[]; chave: string; traceparent: string | undefined }

/** Makes the changes one after the other; the last one carries the key. `undefined` where somebody else moved the order. */
async function apply({ store, newId, now }: MoverDeps, { changes, chave, traceparent }: ApplyOptions) {
  let moved: MovedPedido | undefined
  for (const [i, change] of changes.entries()) {
    const last = i === changes.length - 1
    const result = await store.mover({
      change,
      eventoId: newId(),
      createdAt: now(),
      traceparent,
      ...(last && { chave }),
    })
    if (result.outcome === 'guarded') return undefined
    moved = { ...result, repeated: result.outcome === 'repeated' }
  }
  return moved
}

/** `POST /orders/{id}/carrier-events`: what the Correios tell of an order. The same event twice is one event. */
export function createInformarRoutes(deps: MoverDeps): OpenAPIHono<AppEnv> {
  const { reads, verifier, limits, now } = deps
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
      scope: 'entregas:escrever',
      codigos: [...OF_JSON_BODY, ...OF_WRITES, 'nao-encontrado', 'evento-desconhecido', 'pedido-ocupado'],
      request: {
        params: PedidoIdParam,
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
    requireScope(verifier, 'entregas:escrever', { admission: limits?.escrita }),
    async (c) => {
      const pedidoId = pedidoIdOf(c)
      const informe = parseWith(InformeSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      requirePast(informe.occurred_at, now())
      const comercianteId = c.get('comercianteId')
      const { type, status, occurred_at: occurredAt, location = '', tracking_code: trackingCode = '' } = informe
      const chave = informeChave(pedidoId, [type, String(status), occurredAt.toISOString(), location, trackingCode])
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        // The key first: an order that is read after it has what the event with this key did.
        const known = await reads.byChave(comercianteId, chave)
        const pedido = await reads.byId(comercianteId, pedidoId)
        if (pedido === undefined) throw notFound()
        if (known?.pedidoId === pedidoId) return changeAnswer({ ...known, pedido, repeated: true })
        const changes = changesForInforme(pedido, informe)
        const applied = await apply(deps, { changes, chave, traceparent: c.get('traceparent') })
        if (applied !== undefined) return changeAnswer(applied)
      }
      throw pedidoBusy()
    },
  )
  return routes
}
