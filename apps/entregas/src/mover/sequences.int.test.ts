import { closeSql, createSql, type Sql } from '@fluxo/shared/postgres/sql'
import { type CuttingProxy, startCuttingProxy } from '@fluxo/tests/stage/cutting-proxy'
import { postgresUrl } from '@fluxo/tests/stage/databases'
import { type Ask, json } from '@fluxo/tests/stage/doors'
import { receber } from '@fluxo/tests/stage/orders'
import { waitFor } from '@fluxo/tests/stage/wait-for'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Cluster, createCluster, type Instance } from '../../test/cluster.ts'
import { FLUXO_GROUP } from '../fluir/group.ts'

/** The machine as the contract draws it: an arrow from each status to those that follow it. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  RECEIVED: ['SEPARATED', 'IN_TRANSIT', 'CANCELLED'],
  SEPARATED: ['IN_TRANSIT', 'CANCELLED'],
  IN_TRANSIT: ['OUT_FOR_DELIVERY', 'DELIVERED', 'LOST', 'DAMAGED'],
  OUT_FOR_DELIVERY: ['DELIVERED', 'DELIVERY_FAILED', 'LOST', 'DAMAGED'],
  DELIVERY_FAILED: ['OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'RETURNING'],
  AVAILABLE_FOR_PICKUP: ['DELIVERED', 'RETURNING'],
  RETURNING: ['RETURNED', 'LOST', 'DAMAGED'],
}
const ACTIVE = Object.keys(ARROWS)
const ALL = [...ACTIVE, 'DELIVERED', 'RETURNED', 'CANCELLED', 'LOST', 'DAMAGED']
/** From where a cancellation turns the parcel back. */
const TURNING_BACK = ['IN_TRANSIT', 'OUT_FOR_DELIVERY', 'DELIVERY_FAILED', 'AVAILABLE_FOR_PICKUP', 'DELIVERED']

/** The flow's pace: slow enough for callers to come first at times, fast enough to meet them. */
const DELAY_MS = 40
const RUNS = 12
const PATIENCE_MS = 30_000
const TIMEOUT_MS = 240_000

let cluster: Cluster
let wire: CuttingProxy
let instances: readonly Instance[]
let sql: Sql
beforeAll(async () => {
  const port = Number(new URL(postgresUrl()).port)
  wire = await startCuttingProxy({ targets: () => [port], speaks: 'postgres' })
  cluster = await createCluster({
    fluxo: { automatic: true, delayMs: DELAY_MS },
    route: (url) => Object.assign(new URL(url), { port: String(wire.port) }).href,
  })
  instances = [await cluster.open('a'), await cluster.open('b')]
  sql = createSql({ url: cluster.database.ownerUrl, max: 1, name: 'teste' })
})
afterAll(async () => {
  await cluster.close()
  await wire.stop()
  await closeSql(sql)
})

type Call = { to: string; times: number; ofCurrent: boolean }
type Fault = 'resposta-perdida' | 'conexoes-mortas' | 'tudo-outra-vez' | 'stream-perdido'
type Wave = { calls: readonly Call[]; faults: readonly Fault[] }

const call = fc.record({
  to: fc.constantFrom(...ALL, 'cancel'),
  /** How many callers send it at once, under one key. */
  times: fc.integer({ min: 1, max: 3 }),
  /** Whether it names the version that the order has now. */
  ofCurrent: fc.boolean(),
})
const fault = fc.constantFrom<Fault>('resposta-perdida', 'conexoes-mortas', 'tudo-outra-vez', 'stream-perdido')
const wave = fc.record({
  calls: fc.array(call, { minLength: 1, maxLength: 4 }),
  faults: fc.array(fault, { maxLength: 2 }),
})

const fail = async (failure: Fault): Promise<void> => {
  const commands = instances[0]?.redis.commands
  const stream = `${cluster.streamPrefix}:{0}`
  if (failure === 'resposta-perdida') wire.loseNextReply('entregas')
  else if (failure === 'conexoes-mortas') {
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
  } else if (failure === 'stream-perdido') await commands?.unlink(stream)
  // Every event is delivered again; a group that is not there yet will be given everything anyway.
  else await commands?.xgroup('SETID', stream, FLUXO_GROUP, '0').catch(() => {})
}

/** As a careful client: what was not answered is asked again under its key, at the next instance. */
const insist = async (ask: readonly Ask[], failure: string, body: object, chave: string, since: number) => {
  const until = performance.now() + PATIENCE_MS
  for (let round = since; performance.now() < until; round += 1) {
    const answer = await ask[round % ask.length]?.(failure, json(body, { 'idempotency-key': chave })).catch(
      () => undefined,
    )
    if (answer !== undefined && answer.status !== 503) return answer.status
    await answer?.text()
  }
  throw new Error(`${failure} was never answered`)
}

/** The call of several callers at once under one key; says whether any of them was told that it is made. */
async function callAtOnce(ask: readonly Ask[], id: string, { to, times, ofCurrent }: Call, chave: string) {
  const [current] = await sql<{ version: number }[]>`select version from pedido where id = ${id}`
  const [path, status] = to === 'cancel' ? ['cancel', {}] : ['transitions', { status: to }]
  const body = {
    ...status,
    note: chave,
    ...(to === 'DELIVERY_FAILED' && { reason: 'absent' }),
    ...(ofCurrent && { version: current?.version }),
  }
  const url = `/orders/${id}/${path}`
  const outcomes = await Promise.all(Array.from({ length: times }, (_, i) => insist(ask, url, body, chave, i)))
  for (const made of outcomes) expect([to, 200, 409]).toContain(made)
  return { chave, made: outcomes.includes(200) }
}

type Line = { seq: number; status: string; previous_status: string | null; note?: string; source: string }

/** What is wrong with a history, by the contract alone. */
function judge(eventos: readonly Line[]): string[] {
  let failures = 0
  return eventos.flatMap(({ seq, status, previous_status: previous, source }, i) => {
    const before = eventos[i - 1]
    const passo = `${previous} → ${status} (${source})`
    if (seq !== i + 1) return [`seq ${seq} at place ${i + 1}`]
    if (previous !== (before?.status ?? null)) return [`${passo} follows ${before?.status}`]
    if (before === undefined) return status === 'RECEIVED' ? [] : [`begins with ${status}`]
    if (before.status === 'DELIVERY_FAILED' && status === 'OUT_FOR_DELIVERY' && failures >= 3)
      return [`${passo}: attempt 4`]
    if (status === 'DELIVERY_FAILED') failures += 1
    const turnsBack = status === 'RETURNING' && TURNING_BACK.includes(before.status)
    return turnsBack || ARROWS[before.status]?.includes(status) ? [] : [passo]
  })
}

/** Nothing due, nothing unread: the flow has done with everything that happened. */
const atRest = () =>
  waitFor(
    async () => {
      const [row] = await sql<{ passos: number; missing: number }[]>`
        select (select count(*)::int from passo) as passos, (p.ultima - i.aplicada_ate)::int as missing
        from posicao p join inbox_particao i on i.particao = p.particao`
      return row?.passos === 0 && row.missing === 0
    },
    { timeoutMs: PATIENCE_MS, intervalMs: 20, what: 'the flow at rest' },
  )

test(
  'no sequence of calls, retries, lost replies, dead connections and repeated deliveries skips or repeats a step',
  async () => {
    let chaves = 0
    await fc.assert(
      fc.asyncProperty(fc.array(wave, { minLength: 1, maxLength: 4 }), async (waves: readonly Wave[]) => {
        const ask = await Promise.all(instances.map((one) => one.askAs('loja')))
        const [first] = ask
        if (first === undefined) throw new Error('invariant: there are instances')
        const id = await receber(first)
        const outcomes: { chave: string; made: boolean }[] = []
        for (const { calls, faults: failures } of waves) {
          const all = calls.map((one) => {
            chaves += 1
            return callAtOnce(ask, id, one, `k-${chaves}`)
          })
          await Promise.all(failures.map(fail))
          outcomes.push(...(await Promise.all(all)))
        }
        wire.heal()
        await atRest()
        const eventos = (await (await first(`/orders/${id}/events`)).json()) as Line[]
        expect(judge(eventos)).toEqual([])
        expect(await (await first(`/orders/${id}`)).json()).toMatchObject({
          status: eventos.at(-1)?.status,
          version: eventos.length,
        })
        for (const { chave, made } of outcomes)
          expect([chave, eventos.filter(({ note }) => note === chave).length]).toEqual([chave, made ? 1 : 0])
      }),
      { numRuns: RUNS },
    )
  },
  TIMEOUT_MS,
)

test(
  'callers who send one request under one key to two instances at once all hear that it is made',
  async () => {
    const manual = await createCluster()
    onTestFinished(manual.close)
    const first = await (await manual.open('a')).askAs('gemeas')
    const ask = [first, await (await manual.open('b')).askAs('gemeas')]
    for (let round = 0; round < 20; round += 1) {
      const id = await receber(first)
      const [path, body] = round % 2 === 0 ? ['cancel', {}] : ['transitions', { status: 'CANCELLED' }]
      const one = (i: number) => insist(ask, `/orders/${id}/${path}`, body, `gemeas-${round}`, i)
      expect([round, ...(await Promise.all([0, 1, 2, 3].map(one)))]).toEqual([round, 200, 200, 200, 200])
      expect(await (await first(`/orders/${id}/events`)).json()).toHaveLength(2)
    }
  },
  TIMEOUT_MS,
)
