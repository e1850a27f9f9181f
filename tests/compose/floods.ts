import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { root } from '../../scripts/data-folder.ts'
import type { Books } from './books.ts'
import type { Client } from './client.ts'
import { must } from './engine.ts'
import { failedOf, lineOf, percentile, type Step, startLoad } from './load.ts'
import type { Orders } from './orders.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

type Deps = { stack: Stack; client: Client; books: Books; orders: Orders; report: Report; token: string }

/** What is held (flood.ts), from how many addresses, and how many connections from each. */
const FLOODS = [
  { kind: 'files', addresses: 1, each: 1_500 },
  { kind: 'compressed files', addresses: 2, each: 1_400 },
  // More than one token may hold (256); each is work for lancamentos too, which would be measured.
  { kind: 'answers', addresses: 2, each: 300 },
  { kind: 'compressed answers', addresses: 2, each: 300 },
  { kind: 'bodies', addresses: 2, each: 1_900 },
  { kind: 'half headers', addresses: 1, each: 8_600 },
  { kind: 'long half headers', addresses: 2, each: 3_000 },
] as const
const FLOOD_SECONDS = 12
const RATES = { readsPerSecond: 50, writesPerSecond: 20, ordersPerSecond: 0 }
const CALM_MS = 5_000
/**
 * What the victim may wait longer than without a flood, on a machine whose two cores carry it as well: it was 0.1 to 0.7 s on a quiet one
 * (answers: 4 s at 2,800, which is why they are 600), up to 1.8 s on one that did other work beside.
 */
const VICTIM_P99_MS_MORE = 3_000
const p99Of = ({ reads, writes }: Step): number => percentile([...reads.milliseconds, ...writes.milliseconds], 0.99)

/** Merchants at another address work on while somebody uses up whatever of nginx one address gets; `token` is the one that it has. */
export const checkFloods = async (deps: Deps): Promise<void> => {
  const { stack, report, token } = deps
  const load = startLoad(deps, RATES)
  try {
    await delay(CALM_MS)
    const calm = await load.next()
    report.note(`without a flood: ${lineOf(calm)}`)
    for (const { kind, addresses, each } of FLOODS) {
      const since = new Date()
      await load.next()
      const said = await Promise.all(Array.from({ length: addresses }, () => flood(stack, token, kind, each)))
      const victim = await load.next()
      const what = `${addresses} × ${each} ${kind}`
      const unharmed = failedOf(victim) === 0 && p99Of(victim) < p99Of(calm) + VICTIM_P99_MS_MORE
      report.check(`${what}: another address notices nothing`, unharmed, `${lineOf(victim)}; held ${said.join(', ')}`)
      const { died, megabytes, limit } = await nginxSince(stack, since)
      report.check(`${what}: nginx lives`, !died, `at most ${megabytes} of ${limit} MB since it was started`)
    }
  } finally {
    await load.stop()
  }
}

const flood = async (stack: Stack, token: string, kind: string, connections: number): Promise<string> => {
  const place = ['--network', `${stack.env['COMPOSE_PROJECT_NAME']}_borda`, '--cpus', '0.5', '-e', 'TOKEN']
  const script = ['-v', `${join(root, 'tests', 'compose', 'flood.ts')}:/flood.ts:ro`, 'fluxo/servico:local']
  const command = ['node', '/flood.ts', kind, String(connections), String(FLOOD_SECONDS)]
  return (await must('docker', ['run', '--rm', ...place, ...script, ...command], { ...stack.env, TOKEN: token })).trim()
}

/** Under the first version of control groups, and under the second. */
const PEAK = 'cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.peak'

const nginxSince = async (stack: Stack, since: Date) => {
  // The master tells of a dead worker a moment later.
  await delay(1_000)
  const [container] = await stack.containers('nginx')
  if (container === undefined) return { died: true, megabytes: 0, limit: 0 }
  const log = await stack.tryCompose(['logs', '--no-log-prefix', '--since', since.toISOString(), 'nginx'])
  const oom = await must('docker', ['inspect', '-f', '{{.State.OOMKilled}} {{.HostConfig.Memory}}', container.Id])
  const [killed, limit] = oom.trim().split(' ')
  const peak = await must('docker', ['exec', container.Id, 'sh', '-c', PEAK])
  const died = killed !== 'false' || /exited on signal|worker_connections are not enough/.test(log.stdout + log.stderr)
  return { died, megabytes: Math.round(Number(peak) / 2 ** 20), limit: Math.round(Number(limit) / 2 ** 20) }
}
