import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  type Registry,
} from 'prom-client'

export type { Registry } from 'prom-client'

/** What a metric needs; its labels must be bounded (partition, route, name), never an id. */
type Metric<T extends string, Configuration> = Omit<Configuration, 'registers' | 'labelNames'> & {
  labelNames?: readonly T[]
}

/**
 * The counter of that name in `registry`, created at the first call.
 *
 * @example
 * const refused = counter(registry, { name: 'fluxo_x_refused_total', help: 'Refused, by log.', labelNames: ['log'] })
 * refused.inc({ log: 'pedidos' })
 */
export function counter<T extends string>(registry: Registry, metric: Metric<T, CounterConfiguration<T>>): Counter<T> {
  const found = registry.getSingleMetric(metric.name)
  return (found as Counter<T> | undefined) ?? new Counter<T>({ ...metric, registers: [registry] })
}

/**
 * The gauge of that name in `registry`, created at the first call.
 *
 * `collect` runs at each scrape with the gauge as `this`; one that does I/O bounds its own time.
 */
export function gauge<T extends string>(registry: Registry, metric: Metric<T, GaugeConfiguration<T>>): Gauge<T> {
  const found = registry.getSingleMetric(metric.name)
  return (found as Gauge<T> | undefined) ?? new Gauge<T>({ ...metric, registers: [registry] })
}

/** The histogram of that name in `registry`, created at the first call. */
export function histogram<T extends string>(
  registry: Registry,
  metric: Metric<T, HistogramConfiguration<T>>,
): Histogram<T> {
  const found = registry.getSingleMetric(metric.name)
  return (found as Histogram<T> | undefined) ?? new Histogram<T>({ ...metric, registers: [registry] })
}

/** Registers memory, garbage collection and event loop lag of this Node process, once per registry. */
export function nodeMetrics(registry: Registry): void {
  if (registry.getSingleMetric('process_cpu_user_seconds_total') === undefined) {
    collectDefaultMetrics({ register: registry })
  }
}
