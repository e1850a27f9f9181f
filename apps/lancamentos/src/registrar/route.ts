import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { CHAVE, CORPO_JSON, documented, ESCRITA } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono } from '@hono/zod-openapi'
import { PedidoSchema } from '../domain/pedido.ts'
import { registrarLancamento } from './registrar-lancamento.ts'
import { respostaDoRegistro } from './resposta.ts'
import { LancamentoSchema, NovoLancamentoSchema } from './schema.ts'
import type { RegistroStore } from './store.ts'

type RegistrarDeps = {
  store: RegistroStore
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

/** `POST /lancamentos` */
export const createRegistrarRoutes = ({
  store,
  verifier,
  limites,
  novoId,
  agora,
}: RegistrarDeps): OpenAPIHono<AppEnv> => {
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
      escopo: 'lancamentos:escrever',
      codigos: [...CORPO_JSON, ...CHAVE, ...ESCRITA, 'referencia-duplicada'],
      request: {
        headers: IdempotencyKeyHeader,
        body: { required: true, content: { 'application/json': { schema: NovoLancamentoSchema } } },
      },
      responses: {
        201: {
          description: 'Registrado, e gravado em disco',
          headers: headers('Location', 'Fluxo-Posicao', 'Idempotent-Replayed'),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limites?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const pedido = parseWith(PedidoSchema, await readJsonBody(c, { bytesMax: SINGLE_ENTRY_BYTES_MAX }))
      const lancamento = registrarLancamento(pedido, {
        comercianteId: c.get('comercianteId'),
        id: novoId(),
        agora: agora(),
        rastro: c.get('traceparent'),
      })
      return respostaDoRegistro(await store.registrar({ lancamento, chave }))
    },
  )
  return routes
}
