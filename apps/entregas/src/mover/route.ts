import { Indisponivel } from '@fluxo/shared/errors'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import {
  parseJsonExact,
  readJsonBody,
  readTextBody,
  requireContentType,
  SINGLE_ENTRY_BYTES_MAX,
} from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { impressaoDaMudanca, impressaoDoCancelamento } from '../domain/impressao.ts'
import { CancelamentoSchema, type Pedido, TransicaoSchema } from '../domain/pedido.ts'
import { pedidoJson } from '../domain/resposta.ts'
import type { LeituraStore } from '../listar/store.ts'
import { ChaveHeaderSchema, PedidoCriadoSchema } from '../receber/route.ts'
import { cancelamentoPedido, chaveReutilizada, naoEncontrado, recusaDe, transicaoPedida } from './mover.ts'
import type { Mudado, PedidoStore } from './store.ts'

export type MoverDeps = {
  store: Pick<PedidoStore, 'mover'>
  leitura: Pick<LeituraStore, 'porId' | 'porChave'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

/** An order as it stands. */
export const PedidoSchema = PedidoCriadoSchema.extend({
  version: z.int().openapi({ description: 'O número de eventos do pedido, e o seq do último.' }),
  updated_at: z.string().openapi({ format: 'date-time' }),
}).openapi('Pedido')

/** Others may move the order between our look and our statement; so often in a row, somebody is at it in a loop. */
export const CORRIDAS_MAX = 5
const RETRY_AFTER_SECONDS = 1

/** The refusal of an order that others keep moving while we try to. */
export const pedidoOcupado = (): Indisponivel =>
  new Indisponivel('pedido-ocupado', 'O pedido está mudando agora. Tente de novo.', RETRY_AFTER_SECONDS)

/** The id in the path; what could be no id names no order. */
export function idDe(c: Context<AppEnv>): string {
  const id = c.req.param('id') ?? ''
  if (!ehId(id)) throw naoEncontrado()
  return id.toLowerCase()
}

/** Answers for a change that was made, now or under the same key before. */
export function respostaDoPedido(pedido: Pedido, { repetido = false } = {}): Response {
  return jsonText(pedidoJson(pedido), 200, repetido ? { 'Idempotent-Replayed': 'true' } : {})
}

function respostaDaMudanca(mudado: Exclude<Mudado, { desfecho: 'barrado' }>): Response {
  if (mudado.desfecho === 'conflito-de-chave') {
    throw chaveReutilizada()
  }
  return respostaDoPedido(mudado.pedido, { repetido: mudado.desfecho === 'repetido' })
}

const RESPOSTAS = {
  200: { description: 'O pedido, depois da mudança', content: { 'application/json': { schema: PedidoSchema } } },
  ...problemas(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
}
const ID = z.object({ id: z.uuid() })

/** `POST /orders/{id}/transitions` and `POST /orders/{id}/cancel`: the merchant moves an order. */
export function createMoverRoutes(deps: MoverDeps): OpenAPIHono<AppEnv> {
  const { verifier, limites } = deps
  const routes = new OpenAPIHono<AppEnv>()
  const podeEscrever = requireScope(verifier, 'entregas:escrever', { admission: limites?.escrita })
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/transitions',
      tags: ['Entregas'],
      summary: 'Muda o status de um pedido',
      description: 'Uma transição que a máquina não permite é recusada com 409, e permitidas diz quais seriam aceitas.',
      security: BEARER,
      request: {
        params: ID,
        headers: ChaveHeaderSchema,
        body: { required: true, content: { 'application/json': { schema: TransicaoSchema } } },
      },
      responses: RESPOSTAS,
    },
    podeEscrever,
    (c) => transitar(deps, c),
  )
  documented(
    routes,
    {
      method: 'post',
      path: '/orders/{id}/cancel',
      tags: ['Entregas'],
      summary: 'Cancela um pedido: antes do transporte, acaba; depois, volta',
      security: BEARER,
      request: {
        params: ID,
        headers: ChaveHeaderSchema,
        body: { required: false, content: { 'application/json': { schema: CancelamentoSchema } } },
      },
      responses: RESPOSTAS,
    },
    podeEscrever,
    (c) => cancelar(deps, c),
  )
  return routes
}

type Pedida = { comercianteId: string; pedidoId: string; chave: string | undefined; impressao: string }

/**
 * The answer for a request whose key has made its change already. Asked after the order was read and before anything is
 * refused: a repeated request may have waited in its statement, or between the two, for the very one that made it.
 */
async function jaFeita(
  leitura: MoverDeps['leitura'],
  { comercianteId, pedidoId, chave, impressao }: Pedida,
): Promise<Response | undefined> {
  const conhecida = chave === undefined ? undefined : await leitura.porChave(comercianteId, chave)
  if (conhecida === undefined) return undefined
  if (conhecida.impressao !== impressao) throw chaveReutilizada()
  const pedido = await leitura.porId(comercianteId, pedidoId)
  return pedido && respostaDoPedido(pedido, { repetido: true })
}

async function transitar({ store, leitura, novoId, agora }: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = idDe(c)
  const corpo = parseWith(TransicaoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
  const comercianteId = c.get('comercianteId')
  const createdAt = agora()
  const mudanca = transicaoPedida(corpo, { pedidoId, comercianteId, agora: createdAt })
  for (let corrida = 0; corrida < CORRIDAS_MAX; corrida += 1) {
    const pedida = { mudanca, eventoId: novoId(), createdAt, chave, rastro: c.get('traceparent') }
    const mudado = await store.mover(pedida)
    if (mudado.desfecho !== 'barrado') return respostaDaMudanca(mudado)
    const pedido = await leitura.porId(comercianteId, pedidoId)
    if (pedido === undefined) throw naoEncontrado()
    const recusa = recusaDe(pedido, mudanca)
    if (recusa) {
      const feita = await jaFeita(leitura, { comercianteId, pedidoId, chave, impressao: impressaoDaMudanca(mudanca) })
      if (feita === undefined) throw recusa
      return feita
    }
  }
  throw pedidoOcupado()
}

async function cancelar({ store, leitura, novoId, agora }: MoverDeps, c: Context<AppEnv>): Promise<Response> {
  const chave = idempotencyKey(c.req.header('idempotency-key'))
  const pedidoId = idDe(c)
  const texto = await readTextBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX })
  if (texto.trim() !== '') requireContentType(c, ['application/json'])
  const corpo = parseWith(CancelamentoSchema, texto.trim() === '' ? {} : parseJsonExact(texto))
  const comercianteId = c.get('comercianteId')
  const impressao = impressaoDoCancelamento(pedidoId, corpo)
  for (let corrida = 0; corrida < CORRIDAS_MAX; corrida += 1) {
    const pedido = await leitura.porId(comercianteId, pedidoId)
    if (pedido === undefined) throw naoEncontrado()
    // What a cancellation leads to depends on where the order is, so a repeated one is looked for before it is decided.
    const feita = await jaFeita(leitura, { comercianteId, pedidoId, chave, impressao })
    if (feita !== undefined) return feita
    const createdAt = agora()
    const mudanca = cancelamentoPedido(pedido, corpo, createdAt)
    const mudado = await store.mover({ mudanca, eventoId: novoId(), createdAt, chave, rastro: c.get('traceparent') })
    if (mudado.desfecho !== 'barrado') return respostaDaMudanca(mudado)
  }
  throw pedidoOcupado()
}
