import { DomainError } from '@fluxo/shared/errors'
import { DaySchema } from '@fluxo/shared/fields'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { parseJsonExact, readTextBody, requireContentType, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { parseWith } from '@fluxo/shared/http/validate'
import { isId } from '@fluxo/shared/id'
import { documented, OF_JSON_BODY, OF_KEY, OF_WRITES } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { DescricaoSchema } from '../domain/novo-lancamento.ts'
import { LancamentoIdParams } from '../listar/route.ts'
import type { LancamentoReadStore } from '../listar/store.ts'
import { registrationAnswer } from '../registrar/answer.ts'
import { LancamentoSchema } from '../registrar/schema.ts'
import type { LancamentoStore } from '../registrar/store.ts'
import { asksTheSame, type EstornoRequest, estornarLancamento } from './estornar.ts'

type EstornarDeps = {
  store: Pick<LancamentoStore, 'registrar'>
  leitura: Pick<LancamentoReadStore, 'byId'>
  verifier: Verifier
  limits?: Limits | undefined
  newId: () => string
  now: () => Date
}

const EstornoSchema = z
  .strictObject({
    descricao: DescricaoSchema.optional().describe('"Estorno: " e a descrição do original, se não for informada.'),
    data: DaySchema.optional().describe('Hoje em São Paulo, se não for informada.'),
  })
  .openapi('NovoEstorno', {
    description: 'O que dizer do estorno; o corpo pode faltar.',
    example: { descricao: 'Devolução da venda', data: '2025-10-16' },
  })

/** An absent body, and one of blanks only, asks for nothing in particular. */
async function readRequest(c: Context<AppEnv>): Promise<EstornoRequest> {
  const text = await readTextBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX })
  if (text.trim() === '') return {}
  requireContentType(c, ['application/json'])
  return parseWith(EstornoSchema, parseJsonExact(text))
}

/** `POST /lancamentos/{id}/estorno`: nothing is ever changed or deleted, so a mistake is corrected by its opposite. */
export function createEstornarRoutes({
  store,
  leitura: readStore,
  verifier,
  limits,
  newId,
  now,
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
      scope: 'lancamentos:escrever',
      codigos: [...OF_JSON_BODY, ...OF_KEY, ...OF_WRITES, 'nao-encontrado', 'ja-estornado', 'estorno-de-estorno'],
      request: {
        params: LancamentoIdParams,
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
    requireScope(verifier, 'lancamentos:escrever', { admission: limits?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const request = await readRequest(c)
      const id = c.req.param('id') ?? ''
      const original = isId(id) ? await readStore.byId(c.get('comercianteId'), id) : undefined
      if (original === undefined) throw new DomainError('nao-encontrado', 'Não há lançamento com este id.')
      const idAndTime = { id: newId(), now: now(), traceparent: c.get('traceparent') }
      const registration = await store.registrar({
        lancamento: estornarLancamento(original, request, idAndTime),
        chave,
      })
      const repeated =
        registration.outcome === 'key-conflict' && asksTheSame(registration.lancamento, original.id, request)
      return registrationAnswer(repeated ? { ...registration, outcome: 'repeated' } : registration)
    },
  )
  return routes
}
