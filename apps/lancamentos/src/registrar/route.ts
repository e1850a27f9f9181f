import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { readJsonBody, SINGLE_ENTRY_BYTES_MAX } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { idempotencyKey } from '@fluxo/shared/http/idempotency'
import { BEARER, documented, problemas } from '@fluxo/shared/http/openapi'
import { parseWith } from '@fluxo/shared/http/validate'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import { PedidoSchema } from '../domain/pedido.ts'
import { registrarLancamento } from './registrar-lancamento.ts'
import { respostaDoRegistro } from './resposta.ts'
import type { RegistroStore } from './store.ts'

export type RegistrarDeps = {
  store: RegistroStore
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

/** An entry as every answer shows it. */
export const LancamentoSchema = z
  .object({
    id: z.uuid(),
    valor: z.number().openapi({ example: 150.5, description: 'Com duas casas decimais.' }),
    tipo: z.enum(['CREDITO', 'DEBITO']),
    descricao: z.string(),
    data: z.string().openapi({ format: 'date' }),
    referencia: z.string().optional(),
    estorna: z.uuid().optional().openapi({ description: 'O lançamento que este estorna.' }),
    created_at: z.string().openapi({ format: 'date-time' }),
  })
  .openapi('Lancamento')

/** The header by which a write can be repeated safely. */
export const ChaveHeaderSchema = z.object({
  'idempotency-key': z.string().optional().openapi({
    description: 'De 1 a 255 caracteres ASCII imprimíveis. A mesma chave com o mesmo conteúdo repete a resposta.',
  }),
})

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
      tags: ['Lançamentos'],
      summary: 'Registra um lançamento',
      security: BEARER,
      request: {
        headers: ChaveHeaderSchema,
        body: { required: true, content: { 'application/json': { schema: PedidoSchema } } },
      },
      responses: {
        201: {
          description: 'Registrado, e gravado em disco',
          headers: z.object({
            Location: z.string(),
            'Fluxo-Posicao': z.string().openapi({ example: '0:1234' }),
            'Idempotent-Replayed': z.string().optional(),
          }),
          content: { 'application/json': { schema: LancamentoSchema } },
        },
        ...problemas(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
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
