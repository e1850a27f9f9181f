import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import type { AppEnv } from '@fluxo/shared/http/env'
import { jsonText } from '@fluxo/shared/http/json'
import { parseWith } from '@fluxo/shared/http/validate'
import { COMERCIANTE_ID } from '@fluxo/shared/id'
import { documented, type Operation, parameter } from '@fluxo/shared/openapi/documented'
import { json } from '@fluxo/shared/openapi/headers'
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import { stateJson } from '../domain/saldo.ts'
import type { createPositionWait } from './position-wait.ts'
import { unavailableIfAway } from './read-day.ts'
import { DaySchema, StateSchema } from './schema.ts'
import type { BalanceReadStore } from './store.ts'

/** As long as a merchant's own reads wait where they do not say. Who asks here comes back by itself. */
const WAIT_MS = 2_000

const integer = (max: number) =>
  z
    .string({ error: 'Campo obrigatório.' })
    .regex(/^\d{1,16}$/, { error: 'Deve ser um número inteiro.' })
    .transform(Number)
    .pipe(z.number().max(max))

const querySchema = (particoes: number) =>
  z.strictObject({
    comerciante: z.string({ error: 'Campo obrigatório.' }).regex(COMERCIANTE_ID, { error: 'Não é um comerciante.' }),
    data: DaySchema,
    particao: integer(particoes - 1),
    posicao: integer(Number.MAX_SAFE_INTEGER),
  })

type StateDeps = {
  store: BalanceReadStore
  verifier: Verifier
  particoes: number
  waitForPositions: ReturnType<typeof createPositionWait>
}

/**
 * `GET /saldos`: the state of a merchant's day, for who tells others of it. It contains the position that made somebody ask, so that
 * nobody is told a state older than its cause.
 */
export function addStateRoute(
  routes: OpenAPIHono<AppEnv>,
  { store, verifier, particoes, waitForPositions }: StateDeps,
): void {
  const QuerySchema = querySchema(particoes)
  documented(routes, STATE_ROUTE, requireScope(verifier, 'eventos:ler', { comerciante: false }), async (c) => {
    const { comerciante, data, particao, posicao } = parseWith(QuerySchema, c.req.query())
    const { signal } = c.req.raw
    await waitForPositions(comerciante, { positions: [{ particao, posicao }], waitMs: WAIT_MS }, signal)
    const saldo = await store.readDay(comerciante, data, signal).catch((error: unknown) => {
      throw unavailableIfAway(error)
    })
    return jsonText(stateJson(saldo))
  })
}

const STATE_ROUTE: Operation = {
  method: 'get',
  path: '/saldos',
  operationId: 'obterEstadoDoDia',
  tag: 'Eventos',
  summary: 'O estado do dia de um comerciante, a partir de uma posição',
  description: 'Para serviços, dentro da rede: nginx não leva a este endereço.',
  scope: 'eventos:ler',
  codigos: ['dados-invalidos', 'posicao-pendente', 'consolidado-indisponivel', 'requisicoes-demais'],
  request: {
    query: z.object({
      comerciante: z.string().openapi({ description: 'De quem é o dia.', example: 'loja-1' }),
      data: parameter('DiaDoEstado', DaySchema.openapi({ description: 'O dia.' })),
      particao: parameter(
        'ParticaoDosLancamentos',
        z.int().min(0).openapi({ description: 'A partição do log dos lançamentos.', example: 0 }),
      ),
      posicao: z.int().min(0).openapi({ description: 'A posição que o estado contém.', example: 1234 }),
    }),
  },
  responses: { 200: json(StateSchema, 'O estado do dia, com a posição pedida ou uma posterior') },
}
