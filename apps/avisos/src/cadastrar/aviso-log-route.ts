import { DomainError } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { createPages, PAGE_PARAMETERS, type PagePoint } from '@fluxo/shared/http/page/page'
import { parametersOf } from '@fluxo/shared/http/page/query'
import { parseWith } from '@fluxo/shared/http/validate'
import { isId } from '@fluxo/shared/id'
import { documented, OF_READS, parameter } from '@fluxo/shared/openapi/documented'
import { json } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AlvoRule } from '../avisar/alvo.ts'
import { avisoMessageId } from '../avisar/attempt.ts'
import { READS, requireTouch, WRITES } from './access.ts'
import { AVISO_EXAMPLE, AvisoLogPageSchema, AvisoLogSchema, WEBHOOK_EXAMPLE } from './schema.ts'
import type { Webhook } from './webhook.ts'
import type { Aviso, WebhookStore } from './webhook-store.ts'

export type WebhookRoutesDeps = {
  webhooks: WebhookStore
  verifier: Verifier
  limits?: Limits | undefined
  /** Signs the cursors. */
  cursorSecret: string
  newId: () => string
  now: () => Date
  alvo: AlvoRule
  /** Hears that a delivery is due at once. */
  onDue: () => void
}

const AVISO_PREFIX = avisoMessageId('')

const QuerySchema = z.strictObject(PAGE_PARAMETERS)

/** The id of a webhook in a path. */
export const WebhookIdParam = z.object({
  id: parameter('IdDoWebhook', z.uuid().openapi({ description: 'O id do webhook.', example: WEBHOOK_EXAMPLE.id })),
})

const AvisoParams = WebhookIdParam.extend({
  d: parameter(
    'IdDaEntrega',
    z
      .string()
      .openapi({ description: 'O id da entrega, que é o webhook-id de seus envios.', example: AVISO_EXAMPLE.id }),
  ),
})

/** The refusal of an id that names no webhook of the merchant. */
export const unknownWebhook = (): DomainError => new DomainError('nao-encontrado', 'Não há webhook com este id.')

/** The merchant's webhook of the path. Throws 404 where there is none, and 403 where the token is for orders and this is told of more. */
export async function findWebhook(webhooks: WebhookStore, c: Context<AppEnv>): Promise<Webhook> {
  const id = c.req.param('id') ?? ''
  const webhook = isId(id) ? await webhooks.byId(c.get('comercianteId'), id) : undefined
  if (webhook === undefined) throw unknownWebhook()
  requireTouch(c, webhook.eventos)
  return webhook
}

/** Refuses to send to a webhook that is disabled. */
export const requireActive = ({ disabledAt }: Webhook): void => {
  if (disabledAt !== undefined) {
    throw new DomainError('webhook-desativado', 'Este webhook foi desativado. Retome-o antes.')
  }
}

const avisoJson = (e: Aviso) => ({
  id: avisoMessageId(e.id),
  type: e.tipo,
  event_id: e.eventoId,
  status: e.situacao,
  created_at: e.createdAt.toISOString(),
  ...(e.dueAt && { next_attempt_at: e.dueAt.toISOString() }),
  ...(e.finishedAt && { finished_at: e.finishedAt.toISOString() }),
  ...(e.held && { held_since: e.held.em.toISOString(), held_reason: e.held.motivo }),
  attempts: e.tentativas.map((t) => ({
    attempt: t.tentativa,
    at: new Date(t.em).toISOString(),
    duration_ms: t.duracao_ms,
    ...(t.status !== null && { status: t.status }),
    ...(t.erro !== null && { error: t.erro }),
    ...(t.resposta !== null && { response: t.resposta }),
  })),
})

/** Answers for a delivery that is due now. */
export async function answerAccepted(
  { webhooks, onDue }: WebhookRoutesDeps,
  { comercianteId, id, avisoId }: { comercianteId: string; id: string; avisoId: string },
): Promise<Response> {
  onDue()
  const [aviso] = await webhooks.avisos(comercianteId, id, { count: 1, only: avisoId })
  if (aviso === undefined) throw unknownAviso()
  return jsonText(JSON.stringify(avisoJson(aviso)), 202)
}

const unknownAviso = (): DomainError => new DomainError('nao-encontrado', 'Não há entrega com este id.')

/** `/webhooks/{id}/deliveries`: what was sent to a webhook, and what came of it. */
export function documentAvisoLog(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limits, cursorSecret } = deps
  const common = { tag: 'Webhooks' } as const
  const page = createPages<Aviso>({
    cursorSecret,
    purpose: 'entregas-de-webhook',
    pointOf: ({ createdAt, id }) => [createdAt.toISOString(), id],
    json: (aviso) => JSON.stringify(avisoJson(aviso)),
  })
  documented(
    routes,
    {
      ...common,
      method: 'get',
      path: '/webhooks/{id}/deliveries',
      operationId: 'listarEntregasDoWebhook',
      summary: 'Lista as entregas de um webhook, da mais nova para a mais antiga',
      description: 'Guardadas por 30 dias, com cada tentativa.',
      ...READS,
      codigos: [...OF_READS, 'nao-encontrado', 'cursor-invalido', 'dados-invalidos'],
      request: { params: WebhookIdParam, query: QuerySchema },
      responses: { 200: json(AvisoLogPageSchema, 'Uma página; proximo é null na última') },
    },
    requireScope(verifier, READS.scope, { ...READS, admission: limits?.leitura }),
    async (c) => {
      const query = parseWith(QuerySchema, parametersOf(c.req.url))
      const { id } = await findWebhook(webhooks, c)
      const read = (after: PagePoint | undefined, count: number) =>
        webhooks.avisos(c.get('comercianteId'), id, { after, count })
      return page({ query, scope: id, read })
    },
  )
  documented(
    routes,
    {
      ...common,
      method: 'post',
      path: '/webhooks/{id}/deliveries/{d}/redeliver',
      operationId: 'reenviarEntregaDoWebhook',
      summary: 'Envia uma entrega de novo',
      description: 'Com o mesmo webhook-id e um novo ciclo de tentativas.',
      ...WRITES,
      codigos: [...OF_READS, 'nao-encontrado', 'webhook-desativado'],
      request: { params: AvisoParams },
      responses: { 202: json(AvisoLogSchema, 'A caminho') },
    },
    requireScope(verifier, WRITES.scope, { ...WRITES, admission: limits?.escrita }),
    async (c) => {
      const webhook = await findWebhook(webhooks, c)
      requireActive(webhook)
      const asked = c.req.param('d') ?? ''
      const avisoId = asked.startsWith(AVISO_PREFIX) ? asked.slice(AVISO_PREFIX.length) : asked
      const found = isId(avisoId) && (await webhooks.resend(webhook.id, avisoId))
      if (!found) throw unknownAviso()
      return answerAccepted(deps, { comercianteId: c.get('comercianteId'), id: webhook.id, avisoId })
    },
  )
}
