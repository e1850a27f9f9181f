import { OpenAPIHono, z } from '@hono/zod-openapi'
import { requireScope, type Verifier } from '../http/auth.ts'
import type { AppEnv } from '../http/env.ts'
import { jsonText } from '../http/json.ts'
import { parseWith } from '../http/validate.ts'
import { EventoSchema } from '../log/event.ts'
import { createFeedPage, type FeedPageDeps } from '../log/pages.ts'
import { documented, parameter } from '../openapi/documented.ts'
import { headers } from '../openapi/headers.ts'

type FeedRoutesDeps = FeedPageDeps & {
  /** Where the log is read, such as `/eventos`; each log of a process has its own. */
  path: string
  operationId: string
  particoes: number
  verifier: Verifier
}

/** Events of a page: 1,000 by default; a rebuild asks for 5,000, some 2 MB of JSON. */
const LIMIT_MAX = 5_000
const LIMIT_DEFAULT = 1_000

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, { error: 'Deve ser um número inteiro.' })
    .transform(Number)
    .pipe(z.number().min(min).max(max))

const querySchema = (particoes: number) =>
  z.strictObject({
    particao: integer(0, particoes - 1).default(0),
    depois_de: integer(0, Number.MAX_SAFE_INTEGER).default(0),
    limite: integer(1, LIMIT_MAX).default(LIMIT_DEFAULT),
  })

/** The same for the document, which is one for every number of partitions. */
const DocumentedQuery = z.object({
  particao: z.int().min(0).default(0).openapi({ description: 'Qual partição do log.', example: 0 }),
  depois_de: z.int().min(0).default(0).openapi({ description: 'A posição depois da qual ler.', example: 0 }),
  limite: parameter(
    'LimiteDeEventos',
    z
      .int()
      .min(1)
      .max(LIMIT_MAX)
      .default(LIMIT_DEFAULT)
      .openapi({ description: 'Quantos eventos, no máximo.', example: 100 }),
  ),
})

const EXAMPLE_EVENTO = {
  specversion: '1.0',
  id: '019a1fbc-ba2f-7586-87df-5a5af2a5a67c',
  source: '/lancamentos',
  type: 'lancamento.registrado.v1',
  subject: 'loja-1',
  time: '2025-10-15T12:34:56.789Z',
  datacontenttype: 'application/json',
  sequence: '0000000000001234',
  particao: 0,
  epoca: '019a1fbc-0000-7000-8000-000000000000',
  data: { id: '019a1fbc-ba2f-7586-87df-5a5af2a5a67c', comerciante_id: 'loja-1', tipo: 'CREDITO', valor: '150.50' },
}

/** Made anew: only what is made after `@hono/zod-openapi` was loaded can be described, and the log's schema may be loaded before. */
const DocumentedEvento = z
  .object(EventoSchema.shape)
  .openapi('Evento', { description: 'Um evento (CloudEvents 1.0, com sequence).', example: EXAMPLE_EVENTO })

const PageSchema = z
  .object({
    particao: z.int(),
    particoes: z.int().openapi({ description: 'Em quantas partições o log se divide.' }),
    ultima: z.int().openapi({ description: 'A maior posição da partição.' }),
    epoca: z.uuid().openapi({ description: 'O log ao qual as posições pertencem.' }),
    eventos: z.array(DocumentedEvento),
  })
  .openapi('PaginaDeEventos', {
    description: 'Uma página de um log, em ordem e sem lacunas.',
    example: { particao: 0, particoes: 1, ultima: 1234, epoca: EXAMPLE_EVENTO.epoca, eventos: [EXAMPLE_EVENTO] },
  })

/** `GET` of a log over HTTP, for services. In order and without gaps. */
export const createFeedRoutes = ({
  path,
  operationId,
  particoes,
  verifier,
  ...deps
}: FeedRoutesDeps): OpenAPIHono<AppEnv> => {
  const routes = new OpenAPIHono<AppEnv>()
  const QuerySchema = querySchema(particoes)
  const feedPage = createFeedPage(deps)
  documented(
    routes,
    {
      method: 'get',
      path,
      operationId,
      tag: 'Eventos',
      summary: 'Lê o log de uma partição, em ordem',
      description: 'Para serviços, dentro da rede: nginx não leva a este endereço.',
      scope: 'eventos:ler',
      codigos: ['dados-invalidos', 'banco-indisponivel'],
      request: { query: DocumentedQuery },
      responses: {
        200: {
          description: 'Uma página do log',
          headers: headers(),
          content: {
            'application/json': {
              schema: PageSchema,
            },
          },
        },
      },
    },
    requireScope(verifier, 'eventos:ler', { comerciante: false }),
    async (c) => {
      const { particao, depois_de: after, limite: limit } = parseWith(QuerySchema, c.req.query())
      return jsonText(await feedPage(particao, after, limit))
    },
  )
  return routes
}
