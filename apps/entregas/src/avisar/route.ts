import { DomainError } from '@fluxo/shared/errors'
import { headers, json } from '@fluxo/shared/http/answers'
import { requireScope } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { CORPO_JSON, documented, LEITURA } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { particaoDe } from '@fluxo/shared/log/particao'
import { OpenAPIHono } from '@hono/zod-openapi'
import { documentarAvisos } from './avisos-doc.ts'
import {
  aceita,
  documentarEntregas,
  exigirAtivo,
  IdDoWebhook,
  type WebhookRoutesDeps,
  webhookDe,
  webhookDesconhecido,
} from './avisos-route.ts'
import { EntregaSchema, novoWebhookBody, WebhookComSegredoSchema, WebhookSchema, WebhooksSchema } from './schema.ts'
import { webhookJson } from './webhook.ts'
import { WEBHOOKS_MAX } from './webhook-store.ts'

const NADA = { description: 'Feito', headers: headers() }

/** `/webhooks`: where a merchant is told of its orders, and what came of telling. */
export function createWebhookRoutes(deps: WebhookRoutesDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documentarCriacao(routes, deps)
  documentarLeitura(routes, deps)
  documentarTeste(routes, deps)
  documentarEntregas(routes, deps)
  documentarAvisos(routes)
  return routes
}

function documentarCriacao(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limites, particoes, novoId, alvo } = deps
  const podeEscrever = requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita })
  const NovoSchema = novoWebhookBody(alvo)
  const comum = { tag: 'Webhooks', escopo: 'entregas:escrever' } as const
  documented(
    routes,
    {
      ...comum,
      method: 'post',
      path: '/webhooks',
      operationId: 'criarWebhook',
      summary: 'Cria um webhook (Standard Webhooks)',
      description: `Até ${WEBHOOKS_MAX} por comerciante. O segredo só é mostrado nesta resposta.`,
      codigos: [...CORPO_JSON, ...LEITURA, 'webhooks-demais'],
      request: { body: { required: true, content: { 'application/json': { schema: NovoSchema } } } },
      responses: {
        201: json(WebhookComSegredoSchema, 'Criado', 'Location', 'Cache-Control'),
      },
    },
    podeEscrever,
    async (c) => {
      const { url, events: eventos } = parseWith(
        NovoSchema,
        await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }),
      )
      const comercianteId = c.get('comercianteId')
      const particao = particaoDe(comercianteId, particoes)
      const criado = await webhooks.criar({ id: novoId(), comercianteId, particao, url, eventos })
      if (criado === undefined) {
        throw new DomainError('webhooks-demais', `Um comerciante pode ter até ${WEBHOOKS_MAX} webhooks.`)
      }
      const { webhook, segredo } = criado
      const headers = { Location: `/webhooks/${webhook.id}`, 'Cache-Control': 'no-store' }
      return jsonText(JSON.stringify({ ...webhookJson(webhook), secret: segredo }), 201, headers)
    },
  )
  documented(
    routes,
    {
      ...comum,
      method: 'post',
      path: '/webhooks/{id}/secret',
      operationId: 'trocarSegredoDoWebhook',
      summary: 'Troca o segredo de um webhook',
      description: 'Durante 24 horas cada aviso leva as duas assinaturas.',
      codigos: [...LEITURA, 'nao-encontrado'],
      request: { params: IdDoWebhook },
      responses: { 200: json(WebhookComSegredoSchema, 'O novo segredo', 'Cache-Control') },
    },
    podeEscrever,
    async (c) => {
      const webhook = await webhookDe(webhooks, c)
      const segredo = await webhooks.trocarSegredo(c.get('comercianteId'), webhook.id)
      if (segredo === undefined) throw webhookDesconhecido()
      const corpo = JSON.stringify({ ...webhookJson(webhook), secret: segredo })
      return jsonText(corpo, 200, { 'Cache-Control': 'no-store' })
    },
  )
  documented(
    routes,
    {
      ...comum,
      method: 'delete',
      path: '/webhooks/{id}',
      operationId: 'removerWebhook',
      summary: 'Remove um webhook',
      codigos: [...LEITURA, 'nao-encontrado'],
      request: { params: IdDoWebhook },
      responses: { 204: NADA },
    },
    podeEscrever,
    async (c) => {
      const { id } = await webhookDe(webhooks, c)
      await webhooks.remover(c.get('comercianteId'), id)
      return new Response(null, { status: 204 })
    },
  )
}

function documentarLeitura(routes: OpenAPIHono<AppEnv>, { webhooks, verifier, limites }: WebhookRoutesDeps): void {
  const podeLer = requireScope(verifier, 'entregas:ler', { admission: limites?.leitura })
  const comum = { method: 'get', tag: 'Webhooks', escopo: 'entregas:ler' } as const
  documented(
    routes,
    {
      ...comum,
      path: '/webhooks',
      operationId: 'listarWebhooks',
      summary: 'Lista os webhooks',
      codigos: LEITURA,
      responses: { 200: json(WebhooksSchema, 'Sem os segredos') },
    },
    podeLer,
    async (c) => jsonText(JSON.stringify((await webhooks.listar(c.get('comercianteId'))).map(webhookJson))),
  )
  documented(
    routes,
    {
      ...comum,
      path: '/webhooks/{id}',
      operationId: 'obterWebhook',
      summary: 'Lê um webhook',
      codigos: [...LEITURA, 'nao-encontrado'],
      request: { params: IdDoWebhook },
      responses: { 200: json(WebhookSchema, 'Sem o segredo') },
    },
    podeLer,
    async (c) => jsonText(JSON.stringify(webhookJson(await webhookDe(webhooks, c)))),
  )
}

function documentarTeste(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limites } = deps
  const podeEscrever = requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita })
  const comum = { method: 'post', tag: 'Webhooks', escopo: 'entregas:escrever' } as const
  documented(
    routes,
    {
      ...comum,
      path: '/webhooks/{id}/test',
      operationId: 'testarWebhook',
      summary: 'Envia um aviso de teste',
      codigos: [...LEITURA, 'nao-encontrado', 'webhook-desativado'],
      request: { params: IdDoWebhook },
      responses: { 202: json(EntregaSchema, 'A caminho') },
    },
    podeEscrever,
    async (c) => {
      const webhook = await webhookDe(webhooks, c)
      exigirAtivo(webhook)
      const avisoId = await webhooks.testar(webhook.id)
      return aceita(deps, { comercianteId: c.get('comercianteId'), id: webhook.id, avisoId })
    },
  )
}
