import { OpenAPIHono, z } from '@hono/zod-openapi'
import { EventoSchema } from '../log/event.ts'
import { createFeedPage, type FeedPageDeps } from '../log/feed.ts'
import { requireScope, type Verifier } from './auth.ts'
import type { AppEnv } from './env.ts'
import { jsonText } from './json.ts'
import { BEARER, documented, problemas } from './openapi.ts'
import { parseWith } from './validate.ts'

export type FeedRoutesDeps = FeedPageDeps & {
  /** Where the log is read, such as `/eventos`; each log of a process has its own. */
  path: string
  particoes: number
  verifier: Verifier
}

/** API.md names 1,000; a rebuild reads larger pages, some 2 MB of JSON. */
const LIMITE_MAX = 5_000
const LIMITE_PADRAO = 1_000

const inteiro = (minimo: number, maximo: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, { error: 'Deve ser um número inteiro.' })
    .transform(Number)
    .pipe(z.number().min(minimo).max(maximo))

const querySchema = (particoes: number) =>
  z.strictObject({
    particao: inteiro(0, particoes - 1).default(0),
    depois_de: inteiro(0, Number.MAX_SAFE_INTEGER).default(0),
    limite: inteiro(1, LIMITE_MAX).default(LIMITE_PADRAO),
  })

/** `GET` of a log over HTTP, for services. In order and without gaps. */
export const createFeedRoutes = ({ path, particoes, verifier, ...deps }: FeedRoutesDeps): OpenAPIHono<AppEnv> => {
  const routes = new OpenAPIHono<AppEnv>()
  const QuerySchema = querySchema(particoes)
  const feedPage = createFeedPage(deps)
  documented(
    routes,
    {
      method: 'get',
      path,
      tags: ['Eventos'],
      summary: 'Lê o log de uma partição, em ordem',
      security: BEARER,
      request: { query: QuerySchema },
      responses: {
        200: {
          description: 'Uma página do log',
          content: {
            'application/json': {
              schema: z.object({
                particao: z.int(),
                particoes: z.int().openapi({ description: 'Em quantas partições o log se divide.' }),
                ultima: z.int().openapi({ description: 'A maior posição da partição.' }),
                epoca: z.uuid().openapi({ description: 'O log ao qual as posições pertencem.' }),
                eventos: z.array(EventoSchema),
              }),
            },
          },
        },
        ...problemas(400, 401, 403, 422, 503),
      },
    },
    requireScope(verifier, 'eventos:ler', { comerciante: false }),
    async (c) => {
      const { particao, depois_de: depoisDe, limite } = parseWith(QuerySchema, c.req.query())
      return jsonText(await feedPage(particao, depoisDe, limite))
    },
  )
  return routes
}
