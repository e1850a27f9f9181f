import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServiceProcess } from '../stage/service-process.ts'
import type { Service } from '../stage/services.ts'
import { type System, startSystem } from '../stage/system.ts'
import { waitFor } from '../stage/wait-for.ts'
import { exportedMetrics, labelNames, namedMetrics, samplesOf, seriesOfRuleTests } from './metric-names.ts'

const ENTRIES = 20
const ORDERS = 3
/** Events of an order that the automatic flow delivers. */
const EVENTS_EACH = 3
let system: System
let scraped: Record<Service, string[]>

const scrape = async ({ url }: ServiceProcess): Promise<string> => (await fetch(`${url}/metrics`)).text()
const scrapeAll = (services: readonly ServiceProcess[]): Promise<string[]> => Promise.all(services.map(scrape))

const work = async (): Promise<void> => {
  const headers = { ...(await system.as('loja-1')), 'Content-Type': 'application/json' }
  const body = JSON.stringify({ valor: 1, tipo: 'CREDITO', descricao: 'Venda', data: '2025-10-15' })
  for (let i = 0; i < ENTRIES; i += 1) {
    const posted = await fetch(`${system.url('lancamentos')}/lancamentos`, { method: 'POST', headers, body })
    expect(posted.status).toBe(201)
  }
  // Without a valor: no entry of the ledger comes of them.
  const order = JSON.stringify({ customer_name: 'Ana', address: 'Rua A, 1' })
  for (let i = 0; i < ORDERS; i += 1) {
    const posted = await fetch(`${system.url('entregas')}/orders`, { method: 'POST', headers, body: order })
    expect(posted.status).toBe(201)
  }
  await system.caughtUp()
  for (const { url } of system.instances.consolidado) await fetch(`${url}/consolidado/2025-10-15`, { headers })
}

beforeAll(async () => {
  system = await startSystem({ lancamentos: 2, consolidado: 2, entregas: 1, avisos: 1 })
  await work()
  // The relay writes its cursor, and the group its acks, a moment later.
  await waitFor(
    async () => {
      scraped = {
        lancamentos: await scrapeAll(system.instances.lancamentos),
        consolidado: await scrapeAll(system.instances.consolidado),
        entregas: await scrapeAll(system.instances.entregas),
        avisos: await scrapeAll(system.instances.avisos),
      }
      const lags = [...values('lancamentos', 'fluxo_relay_lag'), ...values('entregas', 'fluxo_relay_lag')]
      const all = ORDERS * EVENTS_EACH
      const followed = [
        ...followedTo('lancamentos', 'lancamentos'),
        ...followedTo('entregas', 'entregas'),
        ...followedTo('avisos', 'avisos'),
      ]
      return lags.every((lag) => lag === 0) && pending() === 0 && followed.every((mark) => mark === all)
    },
    { intervalMs: 500, what: 'relay and group are at rest' },
  )
})
afterAll(async () => {
  await system.stop()
})

const values = (service: Service, name: string, labels = ''): number[] =>
  scraped[service].flatMap((text) =>
    (samplesOf(text).get(name) ?? []).filter((sample) => sample.labels.includes(labels)).map(({ value }) => value),
  )
/** How far a group has followed the orders. */
const followedTo = (service: Service, group: string) =>
  values(service, 'fluxo_follow_aplicada_ate', `group="${group}",log="pedidos"`)
const pending = (): number => Math.max(...values('consolidado', 'fluxo_stream_pending'))
const everything = (): string => Object.values(scraped).flat().join('\n')
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

test('every metric that a rule, a dashboard or a document names is exported by the running services', () => {
  const exported = exportedMetrics(everything())
  const named = namedMetrics()
  expect(named.size).toBeGreaterThan(40)
  expect([...named].filter(([name]) => !exported.has(name))).toEqual([])
})

test('every metric of ours is in the documentation, follows the conventions of Prometheus, and says what it is', () => {
  const text = everything()
  const documented = namedMetrics()
  const types = new Map(
    [...text.matchAll(/^# TYPE (fluxo_\S+|http_\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]),
  )
  for (const [name, type] of types) {
    expect(documented.get(name) ?? [], name).toContain('docs/observability.md')
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(name, 'base units').not.toMatch(/_(ms|milliseconds|kb|mb|minutes|percent)(_|$)/)
    expect(text.match(new RegExp(`^# HELP ${name} (.+)$`, 'm'))?.[1], name).toBeTruthy()
  }
})

test('alert rules are tested with series that look like the real ones', () => {
  const samples = samplesOf(everything())
  const series = seriesOfRuleTests().filter(({ metric }) => samples.has(metric))
  expect(series.length).toBeGreaterThan(30)
  for (const { metric, labels } of series) {
    const real = new Set(samples.get(metric)?.flatMap((sample) => labelNames(sample.labels)))
    expect(real.isSupersetOf(new Set(labels)), `${metric}{${labels}}, really {${[...real]}}`).toBe(true)
  }
})

test('what all instances share looks the same on each, whoever holds a lease', () => {
  expect(values('lancamentos', 'fluxo_log_ultima')).toEqual([ENTRIES, ENTRIES])
  expect(values('lancamentos', 'fluxo_relay_cursor')).toEqual([ENTRIES, ENTRIES])
  expect(values('lancamentos', 'fluxo_relay_lag_seconds')).toEqual([0, 0])
  expect(sum(values('lancamentos', 'fluxo_relay_lease'))).toBe(1)
  expect(values('consolidado', 'fluxo_inbox_aplicada_ate')).toEqual([ENTRIES, ENTRIES])
  expect(values('consolidado', 'fluxo_inbox_buracos')).toEqual([0, 0])
  expect(values('consolidado', 'fluxo_dead_letters_pending')).toEqual([0, 0])
  expect(sum(values('consolidado', 'fluxo_repair_lease'))).toBe(1)
  expect(values('consolidado', 'fluxo_stream_readers', 'estado="lendo"').every((readers) => readers > 0)).toBe(true)
})

test('what each instance counts adds up to what was done', () => {
  expect(sum(values('lancamentos', 'http_request_duration_seconds_count', 'status="201"'))).toBe(ENTRIES)
  expect(sum(values('lancamentos', 'fluxo_group_commit_rows_sum'))).toBe(ENTRIES)
  expect(sum(values('lancamentos', 'fluxo_relay_published_total'))).toBe(ENTRIES)
  expect(sum(values('consolidado', 'fluxo_projecao_eventos_total', 'desfecho="novo"'))).toBe(ENTRIES)
  expect(sum(values('consolidado', 'fluxo_post_to_visible_seconds_count'))).toBe(ENTRIES)
  expect(sum(values('consolidado', 'fluxo_cache_requests_total'))).toBe(system.instances.consolidado.length)
})

test('the way of orders is told by those who follow them', () => {
  const events = ORDERS * EVENTS_EACH
  expect(values('entregas', 'fluxo_log_ultima', 'log="pedidos"')).toEqual([events])
  // Two instances of lancamentos show the same: the money of the orders.
  expect(followedTo('lancamentos', 'lancamentos')).toEqual([events, events])
  expect(followedTo('entregas', 'entregas')).toEqual([events])
  expect(followedTo('avisos', 'avisos')).toEqual([events])
  expect(values('lancamentos', 'fluxo_follow_parada')).toEqual([0, 0])
  expect(values('entregas', 'fluxo_follow_dead_letters')).toEqual([0])
  expect(sum(values('entregas', 'fluxo_fluxo_passos_total', 'desfecho="dado"'))).toBe(ORDERS * 2)
})

test('resources are seen by both services', () => {
  for (const service of ['lancamentos', 'consolidado'] as const) {
    expect(values(service, 'fluxo_postgres_up', `database="${service}"`)).toEqual([1, 1])
    expect(sum(values(service, 'fluxo_postgres_connections'))).toBeGreaterThan(0)
    expect(values(service, 'fluxo_redis_up')).toEqual([1, 1])
    expect(values(service, 'fluxo_redis_memory_used_bytes').every((bytes) => bytes > 0)).toBe(true)
    expect(values(service, 'fluxo_redis_aof_enabled')).toEqual([1, 1])
  }
})

test('a scrape is answered within its time, with zeros for what is away, when Redis is', async () => {
  await system.redis.stop()
  const [instance] = system.instances.consolidado
  if (instance === undefined) throw new Error('invariant: an instance runs')
  await waitFor(async () => samplesOf(await scrape(instance)).get('fluxo_redis_up')?.[0]?.value === 0, {
    what: 'the scrape says that Redis is away',
  })
  const text = await scrape(instance)
  expect(samplesOf(text).get('fluxo_stream_lag')).toBeUndefined()
  expect(samplesOf(text).get('fluxo_redis_memory_used_bytes')).toBeUndefined()
  expect(samplesOf(text).get('fluxo_inbox_aplicada_ate')?.[0]?.value).toBe(ENTRIES)
})
