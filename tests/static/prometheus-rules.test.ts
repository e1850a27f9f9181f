import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

type Rule = { alert?: string; expr: string; annotations?: { summary?: string; runbook_url?: string } }
type RuleFile = { groups: { rules: Rule[] }[] }
type TestFile = { tests: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }[] }

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'deploy', 'prometheus')
const filesOf = (name: string): string[] => readdirSync(join(folder, name)).map((file) => join(folder, name, file))
const read = (file: string): unknown => parse(readFileSync(file, 'utf8'))

const rules = filesOf('rules').flatMap((file) => (read(file) as RuleFile).groups.flatMap((group) => group.rules))
const alerts = rules.filter(({ alert }) => alert !== undefined)
const expectations = filesOf('tests')
  .flatMap((file) => (read(file) as TestFile).tests)
  .flatMap(({ alert_rule_test = [] }) => alert_rule_test)

const promtool = ((): string | undefined => {
  const own = join(root, '.fluxo', 'bin', 'promtool')
  if (existsSync(own)) return own
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' })
    return 'promtool'
  } catch {
    return undefined
  }
})()

const whyNot = (): string => {
  const file = join(root, '.fluxo', 'promtool-missing')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'promtool is not here; `npm test` brings it'
}

test('every alert fires when it should and is silent when it should, by promtool', (context) => {
  if (promtool === undefined) {
    console.log(`alert rules: not checked by promtool (${whyNot()})`)
    return context.skip()
  }
  execFileSync(promtool, ['check', 'config', join(folder, 'prometheus.yml')], { stdio: 'pipe' })
  const output = execFileSync(promtool, ['test', 'rules', ...filesOf('tests')], { stdio: 'pipe' }).toString()
  expect(output.match(/SUCCESS/g)?.length).toBe(filesOf('tests').length)
})

test('no alert is without a test in which it fires', () => {
  const names = new Set(alerts.map(({ alert }) => alert))
  const fired = new Set(expectations.filter((one) => one.exp_alerts.length > 0).map(({ alertname }) => alertname))
  expect([...names].filter((name) => !fired.has(name ?? ''))).toEqual([])
  expect([...fired].filter((name) => !names.has(name))).toEqual([])
})

test('every alert links to its heading in the operations guide, and every such heading has its alert', () => {
  const guide = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')
  const headings = new Set([...guide.matchAll(/^### (Fluxo\w+)$/gm)].map(([, name]) => name))
  for (const { alert, annotations } of alerts) {
    expect(annotations?.summary, alert).toBeTruthy()
    expect(annotations?.runbook_url).toBe(`docs/operations.md#${alert?.toLowerCase()}`)
  }
  expect(headings).toEqual(new Set(alerts.map(({ alert }) => alert)))
})
