import { readFile } from 'node:fs/promises'

/** Linux counts CPU time in hundredths of a second on every architecture that Node runs on (getconf CLK_TCK). */
const TICK_MS = 10
/** Fields of /proc/PID/stat behind the name in brackets (proc(5)): utime and stime; then those of ended children. */
const OWN = [11, 12]
const OWN_AND_ENDED = [11, 12, 13, 14]

const statMs = async (pid: number, places: readonly number[]): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return places.reduce((sum, place) => sum + Number(fields[place]), 0) * TICK_MS
}

/** CPU time that a process has used, milliseconds, all threads; NaN where the system does not tell. */
export const ownCpuMs = (pid: number): Promise<number> => statMs(pid, OWN)

/** The same of a server and all that it ever started: a backend or a fork that has ended counts, too. */
export const serverCpuMs = async (pid: number): Promise<number> => {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const pids = children.split(' ').filter((child) => child !== '')
  // One that ends between both looks is missed; its time is less than a tick for each look of the bench itself.
  const alive = await Promise.all(pids.map((child) => statMs(Number(child), OWN)))
  return alive.reduce((sum, ms) => sum + (Number.isNaN(ms) ? 0 : ms), await statMs(pid, OWN_AND_ENDED))
}
