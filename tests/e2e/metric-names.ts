import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Our own metrics, and those of Node and the process that prom-client brings. Recording rules have colons, so they are not found. */
const METRIC = /(?<![\w:])(?:fluxo|http|process|nodejs)_[a-z0-9_]*[a-z0-9](?![\w:])/g
/** Words of that shape that are no metrics, each with what it is. */
const OTHER = new Set(['fluxo_dono' /* a role of PostgreSQL */])

const FOLDERS = ['deploy/prometheus/rules', 'deploy/grafana/dashboards', 'deploy/kubernetes', 'docs']

/** Each metric that a rule, a dashboard, a scaler or a document names, with the files that name it. */
export const namedMetrics = (): Map<string, string[]> => {
  const named = new Map<string, string[]>()
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(root, folder))) {
      if (!/\.(md|ya?ml|json)$/.test(name)) continue
      const text = readFileSync(join(root, folder, name), 'utf8')
      for (const metric of new Set(text.match(METRIC))) {
        if (!OTHER.has(metric)) named.set(metric, [...(named.get(metric) ?? []), `${folder}/${name}`])
      }
    }
  }
  return named
}

/** Names as Prometheus will know them: those of `# TYPE`, and the three of each histogram. */
export const exportedMetrics = (exposition: string): Set<string> => {
  const names = new Set<string>()
  for (const [, name = '', type] of exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name)
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`)
  }
  return names
}

/** Samples by metric name, with their values. */
export const samplesOf = (exposition: string): Map<string, { labels: string; value: number }[]> => {
  const samples = new Map<string, { labels: string; value: number }[]>()
  for (const [, name = '', labels = '', value] of exposition.matchAll(/^([a-z]\w*)(\{.*\})? (\S+)$/gm)) {
    samples.set(name, [...(samples.get(name) ?? []), { labels, value: Number(value) }])
  }
  return samples
}

/** The series that the tests of the alert rules feed: a metric and the names of its labels, without those that scraping adds. */
export const seriesOfRuleTests = (): { metric: string; labels: string[] }[] => {
  const folder = join(root, 'deploy', 'prometheus', 'tests')
  const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  return [...text.join('\n').matchAll(/series: '(\w+)\{([^}]*)\}'/g)].map(([, metric = '', labels = '']) => ({
    metric,
    labels: labelNames(labels).filter((name) => name !== 'job' && name !== 'instance'),
  }))
}

/** The names in `a="1",b="2"`. */
export const labelNames = (labels: string): string[] => [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name)
