import { DomainError } from '@fluxo/shared/errors'
import { requireScope } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_JSON_BODY, OF_READS } from '@fluxo/shared/openapi/documented'
import { headers, json } from '@fluxo/shared/openapi/headers'
import { OpenAPIHono } from '@hono/zod-openapi'
import { mayTouch, READS, requireTouch, WRITES } from './access.ts'
import {
  answerAccepted,
  documentAvisoLog,
  findWebhook,
  requireActive,
  unknownWebhook,
  WebhookIdParam,
  type WebhookRoutesDeps,
} from './aviso-log-route.ts'
import { documentAvisos } from './avisos-doc.ts'
import { AvisoLogSchema, newWebhookBody, WebhookSchema, WebhooksSchema, WebhookWithSecretSchema } from './schema.ts'
import { webhookJson } from './webhook.ts'
import { WEBHOOKS_MAX } from './webhook-store.ts'

const NOTHING = { description: 'Feito', headers: headers() }

/** `/webhooks`: where a merchant is told of its orders, and what came of telling. */
export function createWebhookRoutes(deps: WebhookRoutesDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documentCreation(routes, deps)
  documentReads(routes, deps)
  documentTest(routes, deps)
  documentAvisoLog(routes, deps)
  documentAvisos(routes)
  return routes
}

function documentCreation(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limits, newId, now, alvo } = deps
  const mayWrite = requireScope(verifier, WRITES.scope, { ...WRITES, admission: limits?.escrita })
  const NewSchema = newWebhookBody(alvo)
  const common = { tag: 'Webhooks', ...WRITES } as const
  documented(
    routes,
    {
      ...common,
      method: 'post',
      path: '/webhooks',
      operationId: 'criarWebhook',
      summary: 'Cria um webhook (Standard Webhooks)',
      description: `Até ${WEBHOOKS_MAX} por comerciante. O segredo só é mostrado nesta resposta.`,
      codigos: [...OF_JSON_BODY, ...OF_READS, 'webhooks-demais'],
      request: { body: { required: true, content: { 'application/json': { schema: NewSchema } } } },
      responses: {
        201: json(WebhookWithSecretSchema, 'Criado', 'Location', 'Cache-Control'),
      },
    },
    mayWrite,
    async (c) => {
      const { url, events: eventos } = parseWith(NewSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      requireTouch(c, eventos)
      const comercianteId = c.get('comercianteId')
      const created = await webhooks.create({ id: newId(), comercianteId, url, eventos, since: now() })
      if (created === undefined) {
        throw new DomainError('webhooks-demais', `Um comerciante pode ter até ${WEBHOOKS_MAX} webhooks.`)
      }
      const { webhook, segredo: secret } = created
      const headers = { Location: `/webhooks/${webhook.id}`, 'Cache-Control': 'no-store' }
      return jsonText(JSON.stringify({ ...webhookJson(webhook), secret }), 201, headers)
    },
  )
  documented(
    routes,
    {
      ...common,
      method: 'post',
      path: '/webhooks/{id}/secret',
      operationId: 'trocarSegredoDoWebhook',
      summary: 'Troca o segredo de um webhook',
      description: 'Durante 24 horas cada aviso leva as duas assinaturas.',
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: WebhookIdParam },
      responses: { 200: json(WebhookWithSecretSchema, 'O novo segredo', 'Cache-Control') },
    },
    mayWrite,
    async (c) => {
      const webhook = await findWebhook(webhooks, c)
      const secret = await webhooks.rotateSecret(c.get('comercianteId'), webhook.id)
      if (secret === undefined) throw unknownWebhook()
      const body = JSON.stringify({ ...webhookJson(webhook), secret })
      return jsonText(body, 200, { 'Cache-Control': 'no-store' })
    },
  )
  documented(
    routes,
    {
      ...common,
      method: 'delete',
      path: '/webhooks/{id}',
      operationId: 'removerWebhook',
      summary: 'Remove um webhook',
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: WebhookIdParam },
      responses: { 204: NOTHING },
    },
    mayWrite,
    async (c) => {
      const { id } = await findWebhook(webhooks, c)
      await webhooks.remove(c.get('comercianteId'), id)
      return new Response(null, { status: 204 })
    },
  )
}

function documentReads(routes: OpenAPIHono<AppEnv>, { webhooks, verifier, limits }: WebhookRoutesDeps): void {
  const mayRead = requireScope(verifier, READS.scope, { ...READS, admission: limits?.leitura })
  const common = { method: 'get', tag: 'Webhooks', ...READS } as const
  documented(
    routes,
    {
      ...common,
      path: '/webhooks',
      operationId: 'listarWebhooks',
      summary: 'Lista os webhooks',
      codigos: OF_READS,
      responses: { 200: json(WebhooksSchema, 'Sem os segredos') },
    },
    mayRead,
    async (c) => {
      const own = await webhooks.listar(c.get('comercianteId'))
      return jsonText(JSON.stringify(own.filter(({ eventos }) => mayTouch(c, eventos)).map(webhookJson)))
    },
  )
  documented(
    routes,
    {
      ...common,
      path: '/webhooks/{id}',
      operationId: 'obterWebhook',
      summary: 'Lê um webhook',
      codigos: [...OF_READS, 'nao-encontrado'],
      request: { params: WebhookIdParam },
      responses: { 200: json(WebhookSchema, 'Sem o segredo') },
    },
    mayRead,
    async (c) => jsonText(JSON.stringify(webhookJson(await findWebhook(webhooks, c)))),
  )
}

function documentTest(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limits } = deps
  const mayWrite = requireScope(verifier, WRITES.scope, { ...WRITES, admission: limits?.escrita })
  const common = { method: 'post', tag: 'Webhooks', ...WRITES } as const
  documented(
    routes,
    {
      ...common,
      path: '/webhooks/{id}/test',
      operationId: 'testarWebhook',
      summary: 'Envia um aviso de teste',
      codigos: [...OF_READS, 'nao-encontrado', 'webhook-desativado'],
      request: { params: WebhookIdParam },
      responses: { 202: json(AvisoLogSchema, 'A caminho') },
    },
    mayWrite,
    async (c) => {
      const webhook = await findWebhook(webhooks, c)
      requireActive(webhook)
      const avisoId = await webhooks.sendTest(webhook.id)
      return answerAccepted(deps, { comercianteId: c.get('comercianteId'), id: webhook.id, avisoId })
    },
  )
}
