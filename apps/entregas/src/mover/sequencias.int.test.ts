import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { type CuttingProxy, startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { postgresUrl } from '@fluxo/tests/stage/databases'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { json } from '../../test/bancada.ts'
import { type Casa, createCasa, type Instancia, type Pedir, receber } from '../../test/casa.ts'
import { GRUPO } from '../fluir/grupo.ts'

/** The machine as the contract draws it: an arrow from each status to those that follow it. */
const SETAS: Readonly<Record<string, readonly string[]>> = {
  RECEIVED: ['SEPARATED', 'IN_TRANSIT', 'CANCELLED'],
  SEPARATED: ['IN_TRANSIT', 'CANCELLED'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'DELIVERED', 'LOST', 'DAMAGED'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'DELIVERY_FAILED', 'LOST', 'DAMAGED'],
  DELIVERY_FAILED: ['OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'RETURNING'],
  AVAILABLE_FOR_PICKUP: ['DELIVERED', 'RETURNING'],
  RETURNING: ['RETURNED', 'LOST', 'DAMAGED'],
}
const ATIVOS = Object.keys(SETAS)
const TODOS = [...ATIVOS, 'DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED']
/** From where a cancellation turns the parcel back. */
const VOLTAM = ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP', 'DELIVERED']

/** The flow's pace: slow enough for callers to come first at times, fast enough to meet them. */
const ATRASO_MS = 40
const CORRIDAS = 12
const PACIENCIA_MS = 30_000
const TIMEOUT_MS = 240_000

let casa: Casa
let wire: CuttingProxy
let instancias: readonly Instancia[]
let sql: Sql
beforeAll(async () => {
  const port = Number(new URL(postgresUrl()).port)
  wire = await startCuttingProxy({ targets: () => [port], speaks: 'postgres' })
  casa = await createCasa({
    fluxo: { automatico: true, atrasoMs: ATRASO_MS },
    caminho: (url) => Object.assign(new URL(url), { port: String(wire.port) }).href,
  })
  instancias = [await casa.abrir('a'), await casa.abrir('b')]
  sql = createSql({ url: casa.database.ownerUrl, max: 1, name: 'teste' })
})
afterAll(async () => {
  await casa.fechar()
  await wire.stop()
  await closeSql(sql)
})

type Chamada = { para: string; vezes: number; doAtual: boolean }
type Falha = 'resposta-perdida' | 'conexoes-mortas' | 'tudo-outra-vez' | 'stream-perdido'
type Onda = { chamadas: readonly Chamada[]; falhas: readonly Falha[] }

const chamada = fc.record({
  para: fc.constantFrom(...TODOS, 'cancel'),
  /** How many callers send it at once, under one key. */
  vezes: fc.integer({ min: 1, max: 3 }),
  /** Whether it names the version that the order has now. */
  doAtual: fc.boolean(),
})
const falha = fc.constantFrom<Falha>('resposta-perdida', 'conexoes-mortas', 'tudo-outra-vez', 'stream-perdido')
const onda = fc.record({
  chamadas: fc.array(chamada, { minLength: 1, maxLength: 4 }),
  falhas: fc.array(falha, { maxLength: 2 }),
})

const falhar = async (qual: Falha): Promise<void> => {
  const commands = instancias[0]?.redis.commands
  const stream = `${casa.streamPrefix}:{0}`
  if (qual === 'resposta-perdida') wire.loseNextReply('entregas')
  else if (qual === 'conexoes-mortas') {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
  } else if (qual === 'stream-perdido') await commands?.unlink(stream)
  // Every event is delivered again; a group that is not there yet will be given everything anyway.
  else await commands?.xgroup('SETID', stream, GRUPO, '0').catch(() => {})
}

/** As a careful client: what was not answered is asked again under its key, at the next instance. */
const insistir = async (pedir: readonly Pedir[], qual: string, corpo: object, chave: string, desde: number) => {
  const ate = performance.now() + PACIENCIA_MS
  for (let vez = desde; performance.now() < ate; vez += 1) {
    const resposta = await pedir[vez % pedir.length]?.(qual, json(corpo, { 'idempotency-key': chave })).catch(
      () => undefined,
    )
    if (resposta !== undefined && resposta.status !== 503) return resposta.status
    await resposta?.text()
  }
  throw new Error(`${qual} was never answered`)
}

/** The call of several callers at once under one key; says whether any of them was told that it is made. */
async function chamar(pedir: readonly Pedir[], id: string, { para, vezes, doAtual }: Chamada, chave: string) {
  const [atual] = await sql<{ version: number }[]>`select version from pedido where id = ${id}`
  const [caminho, status] = para === 'cancel' ? ['cancel', {}] : ['transitions', { status: para }]
  const corpo = {
    ...status,
    note: chave,
    ...(para === 'DELIVERY_FAILED' && { reason: 'absent' }),
    ...(doAtual && { version: atual?.version }),
  }
  const url = `/orders/${id}/${caminho}`
  const feitas = await Promise.all(Array.from({ length: vezes }, (_, i) => insistir(pedir, url, corpo, chave, i)))
  for (const feita of feitas) expect([para, 200, 409]).toContain(feita)
  return { chave, feita: feitas.includes(200) }
}

type Linha = { seq: number; status: string; previous_status: string | null; note?: string; source: string }

/** What is wrong with a history, by the contract alone. */
function julgar(eventos: readonly Linha[]): string[] {
  let falhas = 0
  return eventos.flatMap(({ seq, status, previous_status: anterior, source }, i) => {
    const antes = eventos[i - 1]
    const passo = `${anterior} → ${status} (${source})`
    if (seq !== i + 1) return [`seq ${seq} at place ${i + 1}`]
    if (anterior !== (antes?.status ?? null)) return [`${passo} follows ${antes?.status}`]
    if (antes === undefined) return status === 'RECEIVED' ? [] : [`begins with ${status}`]
    if (antes.status === 'DELIVERY_FAILED' && status === 'OUT_FOR_DELIVERY' && falhas >= 3)
      return [`${passo}: attempt 4`]
    if (status === 'DELIVERY_FAILED') falhas += 1
    const volta = status === 'RETURNING' && VOLTAM.includes(antes.status)
    return volta || SETAS[antes.status]?.includes(status) ? [] : [passo]
  })
}

/** Nothing due, nothing unread: the flow has done with everything that happened. */
const emRepouso = () =>
  waitFor(
    async () => {
      const [row] = await sql<{ passos: number; falta: number }[]>`
        select (select count(*)::int from passo) as passos, (p.ultima - i.aplicada_ate)::int as falta
        from posicao p join inbox_particao i on i.particao = p.particao`
      return row?.passos === 0 && row.falta === 0
    },
    { timeoutMs: PACIENCIA_MS, intervalMs: 20, what: 'the flow at rest' },
  )

test(
  'no sequence of calls, retries, lost replies, dead connections and repeated deliveries skips or repeats a step',
  async () => {
    let chaves = 0
    await fc.assert(
      fc.asyncProperty(fc.array(onda, { minLength: 1, maxLength: 4 }), async (ondas: readonly Onda[]) => {
        const pedir = await Promise.all(instancias.map((uma) => uma.como('loja')))
        const [primeira] = pedir
        if (primeira === undefined) throw new Error('invariant: there are instances')
        const id = await receber(primeira)
        const feitas: { chave: string; feita: boolean }[] = []
        for (const { chamadas, falhas } of ondas) {
          const todas = chamadas.map((uma) => {
            chaves += 1
            return chamar(pedir, id, uma, `k-${chaves}`)
          })
          await Promise.all(falhas.map(falhar))
          feitas.push(...(await Promise.all(todas)))
        }
        wire.heal()
        await emRepouso()
        const eventos = (await (await primeira(`/orders/${id}/events`)).json()) as Linha[]
        expect(julgar(eventos)).toEqual([])
        expect(await (await primeira(`/orders/${id}`)).json()).toMatchObject({
          status: eventos.at(-1)?.status,
          version: eventos.length,
        })
        for (const { chave, feita } of feitas)
          expect([chave, eventos.filter(({ note }) => note === chave).length]).toEqual([chave, feita ? 1 : 0])
      }),
      { numRuns: CORRIDAS },
    )
  },
  TIMEOUT_MS,
)

test(
  'callers who send one request under one key to two instances at once all hear that it is made',
  async () => {
    const manual = await createCasa()
    onTestFinished(manual.fechar)
    const primeira = await (await manual.abrir('a')).como('gemeas')
    const pedir = [primeira, await (await manual.abrir('b')).como('gemeas')]
    for (let vez = 0; vez < 20; vez += 1) {
      const id = await receber(primeira)
      const [caminho, corpo] = vez % 2 === 0 ? ['cancel', {}] : ['transitions', { status: 'CANCELLED' }]
      const uma = (i: number) => insistir(pedir, `/orders/${id}/${caminho}`, corpo, `gemeas-${vez}`, i)
      expect([vez, ...(await Promise.all([0, 1, 2, 3].map(uma)))]).toEqual([vez, 200, 200, 200, 200])
      expect(await (await primeira(`/orders/${id}/events`)).json()).toHaveLength(2)
    }
  },
  TIMEOUT_MS,
)
