import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DATABASES } from '@fluxo/drizzle/journal'
import { z } from 'zod'
import { isAlive, startMarkOf } from './local/own-process.ts'

/** Two that found the same stale file both write; after this long both read the same, and only its writer goes on. */
const SETTLE_MS = 100

const RunningSchema = z.object({
  pid: z.number(),
  mark: z.string().optional(),
  url: z.string().optional(),
  databases: z.partialRecord(z.enum(DATABASES), z.object({ app: z.string(), owner: z.string() })).optional(),
  redisUrl: z.string().optional(),
  jwtSecret: z.string().optional(),
  /** How its automatic flow is set, as the environment says it. */
  fluxo: z.record(z.string(), z.string()).optional(),
})

/** What a running `npm start` tells the other commands about itself; the URLs are there once it serves. */
export type Running = z.infer<typeof RunningSchema>

export type RunningFile = {
  /** Adds what the other commands need to know. */
  publish: (facts: Omit<Running, 'pid' | 'mark'>) => Promise<void>
  release: () => Promise<void>
}

const fileOf = (folder: string): string => join(folder, 'running.json')

/** The `npm start` that is running on this data folder; `undefined` where none is, whatever `kill -9` left there. */
export const readRunning = async (folder: string): Promise<Running | undefined> => {
  const text = await readFile(fileOf(folder), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  let running: Running
  try {
    running = RunningSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
  if (!(await isAlive(running.pid))) return undefined
  return (await startMarkOf(running.pid)) === running.mark ? running : undefined
}

const alreadyRunning = (folder: string, { pid, url }: Running): Error =>
  new Error(`already running on this data folder (${folder}): process ${pid}${url ? `, ${url}` : ', still starting'}.`)

/** Claims a data folder for this process; throws one sentence where a living `npm start` has it. */
export const claim = async (folder: string): Promise<RunningFile> => {
  const before = await readRunning(folder)
  if (before) throw alreadyRunning(folder, before)
  await mkdir(folder, { recursive: true })
  const me: Running = { pid: process.pid, mark: await startMarkOf(process.pid) }
  const write = async (running: Running) => {
    const fresh = `${fileOf(folder)}.${process.pid}`
    await writeFile(fresh, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 })
    await rename(fresh, fileOf(folder))
  }
  await write(me)
  await delay(SETTLE_MS)
  const after = await readRunning(folder)
  if (after && after.pid !== process.pid) throw alreadyRunning(folder, after)
  return {
    publish: (facts) => write({ ...me, ...facts }),
    release: () => rm(fileOf(folder), { force: true }),
  }
}
