import { z } from 'zod'
import { must } from './engine.ts'
import { addressesOf, type Container, nameOf, type Stack } from './stack.ts'

const LineSchema = z.object({ epoch: z.string(), path: z.string(), status: z.string(), upstream: z.string() })
export type AccessLine = { epochSeconds: number; path: string; status: number; address: string; attempts: number }

/** nginx's access log since a moment, as its own JSON lines say it. `address` is the instance that answered in the end. */
export const accessLog = async (stack: Stack, since: Date): Promise<AccessLine[]> => {
  const text = await stack.compose('logs', '--no-log-prefix', '--since', since.toISOString(), 'nginx')
  const lines: AccessLine[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith('{"time"')) continue
    const { epoch, path, status, upstream } = LineSchema.parse(JSON.parse(line))
    const addresses = upstream.split(/, | : /)
    lines.push({
      epochSeconds: Number(epoch),
      path,
      status: Number(status),
      address: (addresses.at(-1) ?? '').replace(/:\d+$/, ''),
      attempts: addresses.length,
    })
  }
  return lines
}

const REFUSALS_MAX = 5

/** The first requests since a moment that no instance served, with what each attempt came to: where a failure is looked for first. */
export const refusalsOf = async (stack: Stack, since: Date): Promise<string[]> => {
  const text = await stack.compose('logs', '--no-log-prefix', '--since', since.toISOString(), 'nginx')
  return text
    .split('\n')
    .filter((line) => /^\{"time".*"status":"5/.test(line))
    .slice(0, REFUSALS_MAX)
}

/** How many requests each container answered. */
export const perContainer = (lines: readonly AccessLine[], containers: readonly Container[]): Map<string, number> =>
  new Map(
    containers.map((container) => {
      const addresses = addressesOf(container)
      return [nameOf(container), lines.filter(({ address }) => addresses.includes(address)).length]
    }),
  )

/** When the service itself said that it was ready, in seconds since 1970. */
export const readySince = async (container: Container): Promise<number | undefined> => {
  const text = await must('docker', ['logs', container.Id])
  const line = text.split('\n').find((one) => one.includes('"msg":"ready"'))
  return line === undefined ? undefined : z.object({ time: z.number() }).parse(JSON.parse(line)).time / 1_000
}
