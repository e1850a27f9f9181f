import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { parametersOf } from '@fluxo/shared/http/page/query'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Audience } from '@fluxo/shared/live/audience'
import type { StreamSlots } from '@fluxo/shared/live/slots'
import { lastEventId, openStream, STREAM_HEADERS_SCHEMA, streamAnswer } from '@fluxo/shared/live/stream'
import { documented, OF_READS } from '@fluxo/shared/openapi/documented'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { EscutarStore } from './store.ts'
import { WantedSchema } from './wanted.ts'

type EscutarDeps = {
  audience: Audience
  slots: StreamSlots
  escutar: Pick<EscutarStore, 'open'>
  verifier: Verifier
  limits?: Limits | undefined
}

/** 1,000 streams take some 30 MB. A merchant is one topic, so its share is the topic's. */
export const STREAM_SLOTS = { max: 1_000, comercianteMax: 20, topicMax: 20 }

const QuerySchema = z.strictObject({ eventos: WantedSchema })

const EVENTO_EXAMPLE = JSON.stringify({
  'webhook-id': 'msg_019a1fda-9f3c-7d10-8b0c-2f1f0f6f9a11',
  'webhook-timestamp': '1760706729',
  body: '{"type":"pedido.entregue.v1","timestamp":"2025-10-17T13:12:09.001Z","data":{"status":"DELIVERED"}}',
})
const ANSWER = streamAnswer(
  'AvisosAoVivo',
  'id numera os eventos do comerciante, event é o tipo, data tem webhook-id, webhook-timestamp e body: o texto que um webhook recebe',
  `id: 17\nevent: pedido.entregue.v1\ndata: ${EVENTO_EXAMPLE}\n\n`,
)

/** `GET /avisos/stream`: what happens to a merchant, as its webhooks are told it. */
export function createEscutarRoutes(deps: EscutarDeps): OpenAPIHono<AppEnv> {
  const { escutar, verifier, limits } = deps
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'get',
      path: '/avisos/stream',
      operationId: 'escutarAvisos',
      tag: 'Webhooks',
      summary: 'Escuta ao vivo o que os webhooks recebem',
      description:
        'Começa pelo que acontece a partir de agora; com Last-Event-ID, depois daquele evento, de qualquer instância. O que acontece até 7 dias depois da última conexão é guardado para quem volta.',
      scope: 'avisos:ler',
      codigos: [...OF_READS, 'cabecalho-invalido', 'dados-invalidos', 'streams-demais'],
      request: { query: QuerySchema, headers: STREAM_HEADERS_SCHEMA },
      responses: { 200: ANSWER },
    },
    requireScope(verifier, 'avisos:ler', { admission: limits?.leitura }),
    async (c) => {
      const { eventos: wanted } = parseWith(QuerySchema, parametersOf(c.req.url))
      const after = lastEventId(c)
      const comercianteId = c.get('comercianteId')
      const last = await escutar.open(comercianteId)
      return openStream(deps, {
        ...{ comercianteId, topic: comercianteId },
        sentThrough: Math.min(after ?? last, last),
        tellsStart: after === undefined,
        show: ({ event, data }) => (wanted === undefined || wanted.has(event) ? data : undefined),
      })
    },
  )
  return routes
}
