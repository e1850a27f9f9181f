import { mkdtemp, open, rm } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './statistics.ts'

const GIB = 2 ** 30
const FSYNC_TRIES = 50
/** What PostgreSQL writes at least: one page of its log. */
const PAGE_BYTES = 8192

/** What the figures were measured on. */
export const describeMachine = (): string[] => [
  `${availableParallelism()} × ${cpus()[0]?.model.trim() || process.arch}`,
  `${Math.round(totalmem() / GIB)} GiB`,
  `load ${loadavg()[0]?.toFixed(1)}`,
  `Node ${process.versions.node}`,
]

/** Median time of writing a page of an existing file to the disk of `folder` for good, milliseconds: PostgreSQL's log recycles its files. */
export const fsyncMs = async (folder: string): Promise<number> => {
  const dir = await mkdtemp(join(folder, 'fsync-'))
  const file = await open(join(dir, 'page'), 'w')
  try {
    await file.write(Buffer.alloc(PAGE_BYTES * FSYNC_TRIES))
    await file.sync()
    const times: number[] = []
    for (let attempt = 0; attempt < FSYNC_TRIES; attempt += 1) {
      const began = performance.now()
      await file.write(Buffer.alloc(PAGE_BYTES, attempt), 0, PAGE_BYTES, attempt * PAGE_BYTES)
      await file.datasync()
      times.push(performance.now() - began)
    }
    return median(times)
  } finally {
    await file.close()
    await rm(dir, { recursive: true })
  }
}
