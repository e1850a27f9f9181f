import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_JSON_BODY, OF_KEY, OF_WRITES } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { NovoLancamentoSchema } from '../domain/novo-lancamento.ts'
import { registrationAnswer } from './answer.ts'
import { registrarLancamento } from './registrar.ts'
import { LancamentoSchema, NovoLancamentoBodySchema } from './schema.ts'
import type { LancamentoStore } from './store.ts'

type RegistrarDeps = {
  store: LancamentoStore
  verifier: Verifier
  limits?: Limits | undefined
  newId: () => string
  now: () => Date
}

/** `POST /lancamentos` */
export const createRegistrarRoutes = ({ store, verifier, limits, newId, now }: RegistrarDeps): OpenAPIHono<AppEnv> => {
  const routes = new OpenAPIHono<AppEnv>()
  documented(
    routes,
    {
      method: 'post',
      path: '/lancamentos',
      operationId: 'registrarLancamento',
      tag: 'Lançamentos',
      summary: 'Registra um lançamento',
      description: 'A resposta vem depois de gravado em disco. Com Idempotency-Key, pode ser repetido para sempre.',
      scope: 'lancamentos:escrever',
      codigos: [...OF_JSON_BODY, ...OF_KEY, ...OF_WRITES, 'referencia-duplicada'],
      request: {
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: NovoLancamentoBodySchema } } },
      },
      responses: {
        201: {
          description: 'Registrado, e gravado em disco',
          headers: headers('Location', 'Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limits?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const novo = parseWith(NovoLancamentoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      const lancamento = registrarLancamento(novo, {
        comercianteId: c.get('comercianteId'),
        id: newId(),
        now: now(),
        traceparent: c.get('traceparent'),
      })
      return registrationAnswer(await store.registrar({ lancamento, chave }))
    },
  )
  return routes
}
