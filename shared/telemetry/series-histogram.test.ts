import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { histogram } from './metrics.ts'
import { SeriesHistogram } from './series-histogram.ts'

const metric = { name: 'duracao_seconds', help: 'x', labelNames: ['route'] as const, buckets: [0.1, 1, 10] }

/** The scrape as a set of lines, with labels in one order. */
const linesOf = async (registry: Registry) =>
  (await registry.metrics())
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').toSorted().join(',')}}`))
    .toSorted()

test('it is scraped exactly as the histogram of prom-client that saw the same values', async () => {
  const usual = new Registry()
  const fast = new Registry()
  const plain = histogram(usual, metric)
  const series = new SeriesHistogram({ ...metric, registers: [fast] })
  const values = { '/a': [0.05, 0.1, 0.11, 1, 5, 10, 11], '/b': [0] }
  for (const [route, given] of Object.entries(values)) {
    for (const value of given) {
      series.series({ route })(value)
      plain.observe({ route }, value)
    }
  }
  expect(await linesOf(fast)).toEqual(await linesOf(usual))
})
