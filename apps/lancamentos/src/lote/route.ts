import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { requireContentType, withBody } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { parametersOf } from '@fluxo/shared/http/page/query'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { turns } from '@fluxo/shared/http/turns'
import { parseWith } from '@fluxo/shared/http/validate'
import { documented, OF_JSON_BODY, OF_WRITES } from '@fluxo/shared/openapi/documented'
import { headers } from '@fluxo/shared/openapi/headers'
import { isAccepted } from '@fluxo/shared/outcome'
import { createQueues } from '@fluxo/shared/queues'
import type { Limits } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { NovoLancamento } from '../domain/lancamento.ts'
import type { Item } from '../registrar/ledger-table.ts'
import { registrarLancamento } from '../registrar/registrar.ts'
import { NovoLancamentoBodySchema } from '../registrar/schema.ts'
import type { LancamentoStore } from '../registrar/store.ts'
import { type LoteEntry, type ReadLote, readJson, readNdjson } from './entries.ts'
import { entryChave, type LoteResult, loteRefused, resultOf } from './lote.ts'
import { LoteResultSchema, NovoLoteSchema } from './schema.ts'

type LoteDeps = {
  store: Pick<LancamentoStore, 'registrarLote' | 'registrarAtomico'>
  verifier: Verifier
  limits?: Limits | undefined
  newId: () => string
  now: () => Date
}

/** What one batch may weigh. It counts as one MiB at least: ten thousand entries of two bytes become as much. */
const LOTE_LIMITS = { bytesMax: 8 * 1024 * 1024, countsAtLeast: 1024 * 1024 }
/** Of one merchant one batch is stored at a time, while the next is read: the counter and the connections are everybody's. */
const LOTES = { ownerMax: 1, waitingMax: 100 }
const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'

const QuerySchema = z.strictObject({
  atomico: z
    .enum(['true', 'false'], { error: 'Deve ser true ou false.' })
    .optional()
    .openapi({ description: 'Tudo ou nada.', example: 'true' }),
})

type ReadyItem = { linha: number; item: Item }

/** `POST /lancamentos/lote`: each entry on its own merit, or with `?atomico=true` all or none. */
export function createLoteRoutes({ store, verifier, limits, newId, now }: LoteDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const queues = createQueues(LOTES)

  const registrar = async (entries: readonly LoteEntry[], ready: readonly ReadyItem[], atomic: boolean) => {
    const posicoes = createPosicoes()
    const items = ready.map(({ item }) => item)
    if (atomic && items.length < entries.length) throw loteRefused(resultsOf(entries, new Map()), entries.length)
    const { applied, registrations } = atomic
      ? await store.registrarAtomico(items)
      : { applied: true, registrations: await store.registrarLote(items) }
    const byLine = new Map<number, LoteResult>()
    ready.forEach(({ linha: line }, i) => {
      const registration = registrations[i]
      if (registration === undefined) return
      byLine.set(line, resultOf(line, registration))
      if (isAccepted(registration)) posicoes.note(registration)
    })
    const results = resultsOf(entries, byLine)
    if (!applied) throw loteRefused(results, entries.length)
    return { resultados: results, posicoes }
  }

  documented(
    routes,
    {
      method: 'post',
      path: '/lancamentos/lote',
      operationId: 'registrarLote',
      tag: 'Lançamentos',
      summary: 'Registra até 10 000 lançamentos de uma vez',
      description:
        'Cada um por si: um que é recusado não impede os outros. Com atomico=true, todos ou nenhum. ' +
        'Em application/x-ndjson, um lançamento por linha.',
      scope: 'lancamentos:escrever',
      codigos: [
        ...OF_JSON_BODY,
        ...OF_WRITES,
        'cabecalho-invalido',
        'lote-vazio',
        'lote-grande-demais',
        'lote-recusado',
      ],
      request: {
        query: QuerySchema,
        headers: IdempotencyKeyHeader,
        body: {
          content: { [JSON_TYPE]: { schema: NovoLoteSchema }, [NDJSON_TYPE]: { schema: NovoLancamentoBodySchema } },
        },
      },
      responses: {
        200: {
          description: 'Um resultado por lançamento, na ordem',
          headers: headers('Fluxo-Posicao'),
          content: { [JSON_TYPE]: { schema: LoteResultSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limits?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const { atomico: atomic } = parseWith(QuerySchema, parametersOf(c.req.url))
      const read = requireContentType(c, [JSON_TYPE, NDJSON_TYPE]) === JSON_TYPE ? readJson : readNdjson
      const comercianteId = c.get('comercianteId')
      const common = { comercianteId, now: now(), traceparent: c.get('traceparent') }
      const itemOf = (line: number, novo: NovoLancamento): Item => ({
        lancamento: registrarLancamento(novo, { ...common, id: newId() }),
        chave: entryChave(chave, line),
      })
      return withBody(c, LOTE_LIMITS, async (utf8) => {
        const { entradas: entries, ready } = await turns.run(comercianteId, prepare(read(utf8), itemOf))
        const { resultados: results, posicoes } = await queues.run(comercianteId, () =>
          registrar(entries, ready, atomic === 'true'),
        )
        return jsonText(JSON.stringify(results), 200, posicoes.headers())
      })
    },
  )
  return routes
}

/** Makes the items of the entries that were read. */
function* prepare(
  readStore: ReturnType<ReadLote>,
  itemOf: (line: number, novo: NovoLancamento) => Item,
): Generator<undefined, { entradas: LoteEntry[]; ready: ReadyItem[] }> {
  const entries = yield* readStore
  const ready: ReadyItem[] = []
  for (const entry of entries) {
    if ('novo' in entry) ready.push({ linha: entry.linha, item: itemOf(entry.linha, entry.novo) })
    yield
  }
  return { entradas: entries, ready }
}

/** One result per entry, in order: what was refused while reading, and what the ledger answered. */
const resultsOf = (entries: readonly LoteEntry[], registered: ReadonlyMap<number, LoteResult>): LoteResult[] =>
  entries.flatMap((entry) => ('novo' in entry ? (registered.get(entry.linha) ?? []) : entry))
