import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { z } from 'zod'

const ProfileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

const FUNCTIONS_SHOWN = 25
const root = join(import.meta.dirname, '..')

const placeOf = (url: string, line: number): string => {
  if (!url.startsWith('file:')) return url
  const path = relative(root, new URL(url).pathname)
  return `${path.includes('node_modules') ? path.slice(path.lastIndexOf('node_modules/') + 13) : path}:${line + 1}`
}

/** The functions with the most time of their own in one CPU profile. */
const summarise = async (file: string): Promise<string> => {
  const { nodes, samples, timeDeltas } = ProfileSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, number>()
  let busy = 0
  samples.forEach((id, index) => {
    const frame = frames.get(id)
    if (!frame || frame.functionName === '(idle)') return
    const delta = timeDeltas[index] ?? 0
    const name = `${frame.functionName || '(anonymous)'}  ${placeOf(frame.url, frame.lineNumber)}`
    times.set(name, (times.get(name) ?? 0) + delta)
    busy += delta
  })
  const lines = [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, FUNCTIONS_SHOWN)
    .map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(6)} %  ${name}`)
  return [`${basename(file)}: ${(busy / 1e6).toFixed(1)} s busy`, ...lines].join('\n')
}

/** Where the time of each profiled process of the last run went: the newest profile of each service. */
export const summariseProfiles = async (folder: string): Promise<string> => {
  const parts: string[] = []
  for (const service of await readdir(folder).catch(() => [])) {
    const files = (await readdir(join(folder, service))).filter((name) => name.endsWith('.cpuprofile')).toSorted()
    const newest = files.at(-1)
    if (newest !== undefined) parts.push(`\n${service} ${await summarise(join(folder, service, newest))}`)
  }
  return parts.length === 0
    ? `no profile in ${folder}`
    : `${parts.join('\n')}\n\nMore: ${folder} (Chrome DevTools opens them)`
}
