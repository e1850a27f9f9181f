import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { counter, gauge, histogram, nodeMetrics } from './metrics.ts'

test('asking for a metric of the same name again gives the same one, so that modules can share a registry', async () => {
  const registry = new Registry()
  const metric = { name: 'fluxo_test_total', help: 'x', labelNames: ['a'] as const }
  counter(registry, metric).inc({ a: '1' })
  counter(registry, metric).inc({ a: '1' })
  expect(await registry.metrics()).toContain('fluxo_test_total{a="1"} 2')
  expect(gauge(registry, { name: 'g', help: 'g' })).toBe(gauge(registry, { name: 'g', help: 'g' }))
  expect(histogram(registry, { name: 'h', help: 'h' })).toBe(histogram(registry, { name: 'h', help: 'h' }))
})

test("Node's own metrics are registered once, however many parts ask", async () => {
  const registry = new Registry()
  nodeMetrics(registry)
  nodeMetrics(registry)
  expect(await registry.metrics()).toContain('nodejs_eventloop_lag_seconds')
})
