import { limiteSchema } from '@fluxo/shared/campos'
import { DomainError } from '@fluxo/shared/errors'
import { json } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { CursorSchema, createCursor } from '@fluxo/shared/http/cursor'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { documented, LEITURA, parameter } from '@fluxo/shared/http/openapi'
import { parametrosDe } from '@fluxo/shared/http/query'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { lerPonto, textoDoPonto } from '../listar/listar.ts'
import type { RegraDeAlvo } from './alvo.ts'
import { ENTREGA_DE_EXEMPLO, EntregaSchema, PaginaDeEntregasSchema, WEBHOOK_DE_EXEMPLO } from './schema.ts'
import { idDoAviso } from './tentar.ts'
import type { Webhook } from './webhook.ts'
import type { Entrega, WebhookStore } from './webhook-store.ts'

export type WebhookRoutesDeps = {
  webhooks: WebhookStore
  verifier: Verifier
  limites?: Limites | undefined
  /** Signs the cursors. */
  cursorSecret: string
  particoes: number
  novoId: () => string
  alvo: RegraDeAlvo
  /** Hears that a delivery is due at once. */
  onDue: () => void
}

/** Deliveries of a page, each with its attempts. */
const LIMITE_PADRAO = 50
const LIMITE_MAX = 200

const PREFIXO_DO_AVISO = idDoAviso('')

const ConsultaSchema = z.strictObject({
  limite: limiteSchema({ max: LIMITE_MAX, padrao: LIMITE_PADRAO }).optional(),
  cursor: CursorSchema,
})
/** The id of a webhook in a path. */
export const IdDoWebhook = z.object({
  id: parameter('IdDoWebhook', z.uuid().openapi({ description: 'O id do webhook.', example: WEBHOOK_DE_EXEMPLO.id })),
})

const EntregaParams = IdDoWebhook.extend({
  d: parameter(
    'IdDaEntrega',
    z
      .string()
      .openapi({ description: 'O id da entrega, que é o webhook-id de seus envios.', example: ENTREGA_DE_EXEMPLO.id }),
  ),
})

/** The refusal of an id that names no webhook of the merchant. */
export const webhookDesconhecido = (): DomainError => new DomainError('nao-encontrado', 'Não há webhook com este id.')

/** The merchant's webhook of the path. Throws 404 where there is none. */
export async function webhookDe(webhooks: WebhookStore, c: Context<AppEnv>): Promise<Webhook> {
  const id = c.req.param('id') ?? ''
  const webhook = ehId(id) ? await webhooks.porId(c.get('comercianteId'), id) : undefined
  if (webhook === undefined) throw webhookDesconhecido()
  return webhook
}

/** Refuses to send to a webhook that its receiver has ended. */
export const exigirAtivo = ({ desativadoEm }: Webhook): void => {
  if (desativadoEm !== undefined) {
    throw new DomainError('webhook-desativado', 'O destino pediu o fim deste webhook. Crie outro.')
  }
}

const entregaJson = (e: Entrega) => ({
  id: idDoAviso(e.id),
  type: e.tipo,
  event_id: e.eventoId,
  status: e.situacao,
  created_at: e.criadoEm.toISOString(),
  ...(e.venceEm && { next_attempt_at: e.venceEm.toISOString() }),
  ...(e.terminadoEm && { finished_at: e.terminadoEm.toISOString() }),
  ...(e.devolvida && { held_since: e.devolvida.em.toISOString(), held_reason: e.devolvida.motivo }),
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
export async function aceita(
  { webhooks, onDue }: WebhookRoutesDeps,
  { comercianteId, id, avisoId }: { comercianteId: string; id: string; avisoId: string },
): Promise<Response> {
  onDue()
  const [entrega] = await webhooks.entregas(comercianteId, id, { quantos: 1, so: avisoId })
  if (entrega === undefined) throw entregaDesconhecida()
  return jsonText(JSON.stringify(entregaJson(entrega)), 202)
}

const entregaDesconhecida = (): DomainError => new DomainError('nao-encontrado', 'Não há entrega com este id.')

/** `/webhooks/{id}/deliveries`: what was sent to a webhook, and what came of it. */
export function documentarEntregas(routes: OpenAPIHono<AppEnv>, deps: WebhookRoutesDeps): void {
  const { webhooks, verifier, limites, cursorSecret } = deps
  const comum = { tag: 'Webhooks' } as const
  const cursores = createCursor({ segredo: cursorSecret, uso: 'entregas-de-webhook' })
  documented(
    routes,
    {
      ...comum,
      method: 'get',
      path: '/webhooks/{id}/deliveries',
      operationId: 'listarEntregasDoWebhook',
      summary: 'Lista as entregas de um webhook, da mais nova para a mais antiga',
      description: 'Guardadas por 30 dias, com cada tentativa.',
      escopo: 'entregas:ler',
      codigos: [...LEITURA, 'nao-encontrado', 'cursor-invalido', 'dados-invalidos'],
      request: { params: IdDoWebhook, query: ConsultaSchema },
      responses: { 200: json(PaginaDeEntregasSchema, 'Uma página; proximo é null na última') },
    },
    requireScope(verifier, 'entregas:ler', { admission: limites?.leitura }),
    async (c) => {
      const { limite = LIMITE_PADRAO, cursor } = parseWith(ConsultaSchema, parametrosDe(c.req.url))
      const { id } = await webhookDe(webhooks, c)
      const depois = cursor === undefined ? undefined : lerPonto(cursores.ler(cursor, id))
      const ponto = depois && { criadoEm: depois.createdAt, id: depois.id }
      const lidas = await webhooks.entregas(c.get('comercianteId'), id, { depois: ponto, quantos: limite + 1 })
      const itens = lidas.slice(0, limite)
      const ultima = lidas.length > limite ? itens.at(-1) : undefined
      const proximo =
        ultima === undefined
          ? null
          : cursores.escrever(textoDoPonto({ createdAt: ultima.criadoEm.toISOString(), id: ultima.id }), id)
      return jsonText(JSON.stringify({ itens: itens.map(entregaJson), proximo }))
    },
  )
  documented(
    routes,
    {
      ...comum,
      method: 'post',
      path: '/webhooks/{id}/deliveries/{d}/redeliver',
      operationId: 'reenviarEntregaDoWebhook',
      summary: 'Envia uma entrega de novo',
      description: 'Com o mesmo webhook-id e um novo ciclo de tentativas.',
      escopo: 'entregas:escrever',
      codigos: [...LEITURA, 'nao-encontrado', 'webhook-desativado'],
      request: { params: EntregaParams },
      responses: { 202: json(EntregaSchema, 'A caminho') },
    },
    requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita }),
    async (c) => {
      const webhook = await webhookDe(webhooks, c)
      exigirAtivo(webhook)
      const pedida = c.req.param('d') ?? ''
      const avisoId = pedida.startsWith(PREFIXO_DO_AVISO) ? pedida.slice(PREFIXO_DO_AVISO.length) : pedida
      const encontrada = ehId(avisoId) && (await webhooks.reenviar(webhook.id, avisoId))
      if (!encontrada) throw entregaDesconhecida()
      return aceita(deps, { comercianteId: c.get('comercianteId'), id: webhook.id, avisoId })
    },
  )
}
