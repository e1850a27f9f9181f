import { DiaSchema } from '@fluxo/shared/campos'
import { DomainError } from '@fluxo/shared/errors'
import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { parseJsonExact, readTextBody, requireContentType, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { CHAVE, CORPO_JSON, documented, ESCRITA } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import { ehId } from '@fluxo/shared/id'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { DescricaoSchema } from '../domain/pedido.ts'
import { IdDoLancamento } from '../listar/route.ts'
import type { LeituraStore } from '../listar/store.ts'
import { respostaDoRegistro } from '../registrar/resposta.ts'
import { LancamentoSchema } from '../registrar/schema.ts'
import type { RegistroStore } from '../registrar/store.ts'
import { estornarLancamento, type PedidoDeEstorno, pedeOMesmo } from './estornar.ts'

type EstornarDeps = {
  store: Pick<RegistroStore, 'registrar'>
  leitura: Pick<LeituraStore, 'porId'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

const EstornoSchema = z
  .strictObject({
    descricao: DescricaoSchema.optional().describe('"Estorno: " e a descrição do original, se não for informada.'),
    data: DiaSchema.optional().describe('Hoje em São Paulo, se não for informada.'),
  })
  .openapi('NovoEstorno', {
    description: 'O que dizer do estorno; o corpo pode faltar.',
    example: { descricao: 'Devolução da venda', data: '2025-10-16' },
  })

/** An absent body, and one of blanks only, asks for nothing in particular. */
async function lerPedido(c: Context<AppEnv>): Promise<PedidoDeEstorno> {
  const texto = await readTextBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX })
  if (texto.trim() === '') return {}
  requireContentType(c, ['application/json'])
  return parseWith(EstornoSchema, parseJsonExact(texto))
}

/** `POST /lancamentos/{id}/estorno`: nothing is ever changed or deleted, so a mistake is corrected by its opposite. */
export function createEstornarRoutes({
  store,
  leitura,
  verifier,
  limites,
  novoId,
  agora,
}: EstornarDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'post',
      path: '/lancamentos/{id}/estorno',
      operationId: 'estornarLancamento',
      tag: 'Lançamentos',
      summary: 'Estorna um lançamento: registra o oposto',
      description: 'Nada é mudado nem apagado. Um lançamento pode ser estornado uma vez.',
      escopo: 'lancamentos:escrever',
      codigos: [...CORPO_JSON, ...CHAVE, ...ESCRITA, 'nao-encontrado', 'ja-estornado', 'estorno-de-estorno'],
      request: {
        params: IdDoLancamento,
        headers: IdempotencyKeyHeader,
        body: { required: false, content: { 'application/json': { schema: EstornoSchema } } },
      },
      responses: {
        201: {
          description: 'O estorno',
          headers: headers('Location', 'Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limites?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const pedido = await lerPedido(c)
      const id = c.req.param('id') ?? ''
      const original = ehId(id) ? await leitura.porId(c.get('comercianteId'), id) : undefined
      if (original === undefined) throw new DomainError('nao-encontrado', 'Não há lançamento com este id.')
      const momento = { id: novoId(), agora: agora(), rastro: c.get('traceparent') }
      const registro = await store.registrar({ lancamento: estornarLancamento(original, pedido, momento), chave })
      const repetido = registro.desfecho === 'conflito-de-chave' && pedeOMesmo(registro.lancamento, original.id, pedido)
      return respostaDoRegistro(repetido ? { ...registro, desfecho: 'repetido' } : registro)
    },
  )
  return routes
}
