import type { Tracing } from '@fluxo/shared/telemetry/tracing'
import { type BatchTrace, startBatch } from '@fluxo/shared/telemetry/tracing-batch'
import type { Origem, Recebido } from './recebido.ts'

/** Begins to show a batch in the traces of the requests that made its entries; `undefined` where none is kept. */
export function rastrear(
  tracing: Tracing,
  particao: number,
  recebidos: readonly Recebido[],
  origem: Origem,
): BatchTrace | undefined {
  return startBatch(tracing, 'project', {
    kind: 'consumer',
    attributes: { 'messaging.system': 'redis', origem, particao, 'messaging.batch.message_count': recebidos.length },
    members: recebidos.flatMap(({ posicao, tentativas, lido }) => {
      if (!lido.ok || lido.traceparent === undefined) return []
      return [{ traceparent: lido.traceparent, attributes: { posicao, tentativas } }]
    }),
  })
}
