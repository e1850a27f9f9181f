import { requireScope } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { documented, OF_READS } from '@fluxo/shared/openapi/documented'
import { json } from '@fluxo/shared/openapi/headers'
import { OpenAPIHono } from '@hono/zod-openapi'
import { WRITES } from '../cadastrar/access.ts'
import { findWebhook, unknownWebhook, WebhookIdParam, type WebhookRoutesDeps } from '../cadastrar/aviso-log-route.ts'
import { WebhookSchema } from '../cadastrar/schema.ts'
import { webhookJson } from '../cadastrar/webhook.ts'
import type { ResumeStore } from './store.ts'

type ResumeDeps = Pick<WebhookRoutesDeps, 'webhooks' | 'verifier' | 'limits' | 'onDue'> & { resumes: ResumeStore }

/** `POST /webhooks/{id}/retomar`: a webhook that was disabled is told again, of what it missed too. */
export function createRetomarRoutes({ webhooks, resumes, verifier, limits, onDue }: ResumeDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'post',
      path: '/webhooks/{id}/retomar',
      operationId: 'retomarWebhook',
      tag: 'Webhooks',
      summary: 'Retoma um webhook desativado',
      description: 'Envia o que ele não recebeu nos últimos 7 dias. Pode ser repetido.',
      ...WRITES,
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: WebhookIdParam },
      responses: { 200: json(WebhookSchema, 'Ativo de novo') },
    },
    requireScope(verifier, WRITES.scope, { ...WRITES, admission: limits?.escrita }),
    async (c) => {
      const { id } = await findWebhook(webhooks, c)
      if (!(await resumes.resume(c.get('comercianteId'), id))) throw unknownWebhook()
      onDue()
      return jsonText(JSON.stringify(webhookJson(await findWebhook(webhooks, c))))
    },
  )
  return routes
}
