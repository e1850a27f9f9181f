import { headers } from '@fluxo/shared/http/answers'
import { requireScope, type Verifier } from '@fluxo/shared/http/auth'
import { requireContentType, withBody } from '@fluxo/shared/http/body'
import type { AppEnv } from '@fluxo/shared/http/env'
import { IdempotencyKeyHeader, idempotencyKey } from '@fluxo/shared/http/idempotency'
import { jsonText } from '@fluxo/shared/http/json'
import { CORPO_JSON, documented, ESCRITA } from '@fluxo/shared/http/openapi'
import { createPosicoes } from '@fluxo/shared/http/posicao'
import { parametrosDe } from '@fluxo/shared/http/query'
import { turns } from '@fluxo/shared/http/turns'
import { parseWith } from '@fluxo/shared/http/validate'
import { createLines } from '@fluxo/shared/lines'
import type { Limites } from '@fluxo/shared/ratelimit/admission'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Pedido } from '../domain/lancamento.ts'
import type { Item } from '../registrar/ledger-table.ts'
import { registrarLancamento } from '../registrar/registrar-lancamento.ts'
import { aceito } from '../registrar/registro.ts'
import { NovoLancamentoSchema } from '../registrar/schema.ts'
import type { RegistroStore } from '../registrar/store.ts'
import { type Entrada, type LerLote, lerJson, lerNdjson } from './entradas.ts'
import { chaveDaEntrada, loteRecusado, type Resultado, resultadoDe } from './lote.ts'
import { NovoLoteSchema, ResultadoDoLoteSchema } from './schema.ts'

type LoteDeps = {
  store: Pick<RegistroStore, 'registrarLote' | 'registrarAtomico'>
  verifier: Verifier
  limites?: Limites | undefined
  novoId: () => string
  agora: () => Date
}

/** API.md: what one batch may weigh. It counts as one MiB at least: ten thousand entries of two bytes become as much. */
const LOTE_LIMITS = { bytesMax: 8 * 1024 * 1024, countsAtLeast: 1024 * 1024 }
/** Of one merchant one batch is stored at a time, while the next is read: the counter and the connections are everybody's. */
const LOTES = { ownerMax: 1, waitingMax: 100 }
const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'

const ConsultaSchema = z.strictObject({
  atomico: z
    .enum(['true', 'false'], { error: 'Deve ser true ou false.' })
    .optional()
    .openapi({ description: 'Tudo ou nada.', example: 'true' }),
})

type Pronta = { linha: number; item: Item }

/** `POST /lancamentos/lote`: each entry on its own merit, or with `?atomico=true` all or none. */
export function createLoteRoutes({ store, verifier, limites, novoId, agora }: LoteDeps): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>()
  const filas = createLines(LOTES)

  const registrar = async (entradas: readonly Entrada[], prontas: readonly Pronta[], atomico: boolean) => {
    const posicoes = createPosicoes()
    const itens = prontas.map(({ item }) => item)
    if (atomico && itens.length < entradas.length)
      throw loteRecusado(resultadosDe(entradas, new Map()), entradas.length)
    const { aplicado, registros } = atomico
      ? await store.registrarAtomico(itens)
      : { aplicado: true, registros: await store.registrarLote(itens) }
    const porLinha = new Map<number, Resultado>()
    prontas.forEach(({ linha }, i) => {
      const registro = registros[i]
      if (registro === undefined) return
      porLinha.set(linha, resultadoDe(linha, registro))
      if (aceito(registro)) posicoes.anotar(registro)
    })
    const resultados = resultadosDe(entradas, porLinha)
    if (!aplicado) throw loteRecusado(resultados, entradas.length)
    return { resultados, posicoes }
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
      escopo: 'lancamentos:escrever',
      codigos: [...CORPO_JSON, ...ESCRITA, 'cabecalho-invalido', 'lote-vazio', 'lote-grande-demais', 'lote-recusado'],
      request: {
        query: ConsultaSchema,
        headers: IdempotencyKeyHeader,
        body: {
          content: { [JSON_TYPE]: { schema: NovoLoteSchema }, [NDJSON_TYPE]: { schema: NovoLancamentoSchema } },
        },
      },
      responses: {
        200: {
          description: 'Um resultado por lançamento, na ordem',
          headers: headers('Fluxo-Posicao'),
          content: { [JSON_TYPE]: { schema: ResultadoDoLoteSchema } },
        },
      },
    },
    requireScope(verifier, 'lancamentos:escrever', { admission: limites?.escrita }),
    async (c) => {
      const chave = idempotencyKey(c.req.header('idempotency-key'))
      const { atomico } = parseWith(ConsultaSchema, parametrosDe(c.req.url))
      const ler = requireContentType(c, [JSON_TYPE, NDJSON_TYPE]) === JSON_TYPE ? lerJson : lerNdjson
      const comercianteId = c.get('comercianteId')
      const comum = { comercianteId, agora: agora(), rastro: c.get('traceparent') }
      const itemDe = (linha: number, pedido: Pedido): Item => ({
        lancamento: registrarLancamento(pedido, { ...comum, id: novoId() }),
        chave: chaveDaEntrada(chave, linha),
      })
      return withBody(c, LOTE_LIMITS, async (utf8) => {
        const { entradas, prontas } = await turns.run(comercianteId, preparar(ler(utf8), itemDe))
        const { resultados, posicoes } = await filas.run(comercianteId, () =>
          registrar(entradas, prontas, atomico === 'true'),
        )
        return jsonText(JSON.stringify(resultados), 200, posicoes.cabecalho())
      })
    },
  )
  return routes
}

/** Makes the items of the entries that were read. */
function* preparar(
  leitura: ReturnType<LerLote>,
  itemDe: (linha: number, pedido: Pedido) => Item,
): Generator<undefined, { entradas: Entrada[]; prontas: Pronta[] }> {
  const entradas = yield* leitura
  const prontas: Pronta[] = []
  for (const entrada of entradas) {
    if ('pedido' in entrada) prontas.push({ linha: entrada.linha, item: itemDe(entrada.linha, entrada.pedido) })
    yield
  }
  return { entradas, prontas }
}

/** One result per entry, in order: what was refused while reading, and what the ledger answered. */
const resultadosDe = (entradas: readonly Entrada[], registrados: ReadonlyMap<number, Resultado>): Resultado[] =>
  entradas.flatMap((entrada) => ('pedido' in entrada ? (registrados.get(entrada.linha) ?? []) : entrada))
