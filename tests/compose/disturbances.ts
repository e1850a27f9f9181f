import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from '../stage/services.ts'
import { waitFor } from '../stage/wait-for.ts'
import { accessLog, perContainer, readySince, refusalsOf } from './access-log.ts'
import { must } from './engine.ts'
import { failedOf, type Load, lineOf, type Step } from './load.ts'
import type { Report } from './report.ts'
import { addressesOf, nameOf, type Stack } from './stack.ts'

export type Deps = { stack: Stack; load: Load; report: Report }

/** Load goes on this long before and after each disturbance, so that every step has traffic on both sides. */
const CALM_MS = 3_000
/** The promise: an instance that is ready gets requests within this. */
const USED_WITHIN_SECONDS = 5
/** An instance that answers less than this share of an equal part is not really in the rotation. */
const FAIR_SHARE_MIN = 0.5
const STEADY_MS = 8_000
/** Those that the load asks. */
const ASKED = ['lancamentos', 'consolidado', 'entregas'] as const

/** One disturbance under load. */
export const step = async (
  { stack, load, report }: Deps,
  title: string,
  disturb: () => Promise<void>,
): Promise<Step> => {
  await load.next()
  const since = new Date()
  await delay(CALM_MS)
  await disturb()
  await delay(CALM_MS)
  const done = await load.next()
  report.check(`${title}: nothing failed`, failedOf(done) === 0, lineOf(done))
  if (failedOf(done) > 0) for (const line of await refusalsOf(stack, since)) report.note(line)
  return done
}

/** Steady load spreads over all instances. */
export const checkSpread = async (deps: Deps): Promise<void> => {
  const { stack, report, load } = deps
  await load.next()
  const since = new Date()
  await delay(STEADY_MS)
  const steady = await load.next()
  report.check('steady load: nothing failed', failedOf(steady) === 0, lineOf(steady))
  const lines = await accessLog(stack, since)
  for (const service of ASKED) {
    const counts = perContainer(lines, await stack.containers(service))
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    const least = Math.min(...counts.values())
    const spread = [...counts].map(([name, count]) => `${name} ${count}`).join(', ')
    report.check(`requests spread over ${service}`, least >= (total / counts.size) * FAIR_SHARE_MIN, spread)
  }
}

const first = async (stack: Stack, service: Service) => {
  const container = (await stack.containers(service))[0]
  if (container === undefined) throw new Error(`invariant: a ${service} is running`)
  return container
}

/** SIGKILL of one instance: what it was working on goes to the others, writes by their key. */
export const killOne = async (deps: Deps, service: Service): Promise<void> => {
  const { stack } = deps
  const victim = await first(stack, service)
  const count = (await stack.containers(service)).length
  await step(deps, `SIGKILL of ${nameOf(victim)}`, async () => {
    await must('docker', ['kill', victim.Id])
  })
  await must('docker', ['start', victim.Id])
  await stack.healthy(service, count)
}

export const stopLancamentos = async (deps: Deps): Promise<void> => {
  const { stack } = deps
  const victim = await first(stack, 'lancamentos')
  await step(deps, `stop of ${nameOf(victim)}`, async () => {
    await must('docker', ['stop', victim.Id])
  })
  await step(deps, `start of ${nameOf(victim)}`, async () => {
    await must('docker', ['start', victim.Id])
    await stack.healthy('lancamentos', 2)
  })
}

/** Nobody is told meanwhile, and nobody notices; checkTold sees whether all were told afterwards. */
export const stopEveryAvisos = async (deps: Deps): Promise<void> => {
  const { stack } = deps
  const count = (await stack.containers('avisos')).length
  await step(deps, 'no avisos at all', async () => {
    await stack.compose('kill', 'avisos')
  })
  await stack.compose('start', 'avisos')
  await stack.healthy('avisos', count)
}

/** 3 → 1 → 4: nobody notices, and the new ones work soon after they are ready. */
export const scaleConsolidado = async (deps: Deps): Promise<void> => {
  const { stack, report } = deps
  await step(deps, 'consolidado from 3 to 1', () => stack.scale('consolidado', 1))
  const old = (await stack.containers('consolidado')).map(({ Id }) => Id)
  const since = new Date()
  await step(deps, 'consolidado from 1 to 4', async () => {
    await stack.scale('consolidado', 4)
    await stack.healthy('consolidado', 4)
    const isUsed = async () => {
      const lines = await accessLog(stack, since)
      const counts = perContainer(lines, await stack.containers('consolidado'))
      return [...counts.values()].every((count) => count > 0)
    }
    await waitFor(isUsed, { timeoutMs: 20_000, intervalMs: 500, what: 'every new instance to be used' })
  })
  const lines = await accessLog(stack, since)
  for (const container of (await stack.containers('consolidado')).filter(({ Id }) => !old.includes(Id))) {
    const addresses = addressesOf(container)
    const used = lines.find(({ address, status }) => addresses.includes(address) && status === 200)?.epochSeconds
    const started = Date.parse(container.State.StartedAt) / 1_000
    const ready = (await readySince(container)) ?? started
    const afterReady = (used ?? Number.POSITIVE_INFINITY) - ready
    const figures = `${((used ?? 0) - started).toFixed(1)} s after its start, ${afterReady.toFixed(1)} s after it was ready`
    report.check(
      `${nameOf(container)} is used within ${USED_WITHIN_SECONDS} s`,
      afterReady <= USED_WITHIN_SECONDS,
      figures,
    )
  }
  await step(deps, 'consolidado from 4 to 3', () => stack.scale('consolidado', 3))
}

export const reloadNginx = async (deps: Deps): Promise<void> => {
  await step(deps, 'reload of nginx', async () => {
    await deps.stack.compose('exec', '-T', 'nginx', 'nginx', '-s', 'reload')
  })
}
