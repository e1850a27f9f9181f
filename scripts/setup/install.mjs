import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { nodeStep } from './node.mjs'
import { packagesStep } from './packages.mjs'
import { promtoolStep } from './promtool.mjs'
import { redisStep } from './redis.mjs'

const LOCK_POLL_MS = 500
const PROGRESS_MS = 1_000
/** Without a terminal, a line now and then is enough. */
const PROGRESS_QUIET_MS = 10_000
const LOG_LINES = 10

const seconds = (since) => Math.round((performance.now() - since) / 1_000)

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

const readText = (file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Moves a dead holder's lock away. Two may try at once: who moved a living holder's lock by that puts it back. */
const takeAway = (file, holder) => {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (Number(readText(aside)) !== holder) linkSync(aside, file)
  } catch {
    // Gone or taken meanwhile: the next look decides.
  }
  rmSync(aside, { force: true })
}

/** Takes the lock file, whose text is the holder's process id; waits for a living holder, takes over from a dead one. */
const lock = async (file) => {
  const own = `${file}.${process.pid}.own`
  writeFileSync(own, String(process.pid))
  let told = false
  try {
    for (;;) {
      try {
        // A link appears with its text in it: nobody can read a lock that does not say whose it is.
        linkSync(own, file)
        return
      } catch (error) {
        if (error.code !== 'EEXIST') throw error
      }
      const holder = Number(readText(file))
      if (holder && !isAlive(holder)) {
        takeAway(file, holder)
        continue
      }
      if (!told) console.error(`fluxo: waiting for the installation that process ${holder} is doing`)
      told = true
      await delay(LOCK_POLL_MS)
    }
  } finally {
    rmSync(own, { force: true })
  }
}

/** Says how long each step is taking: one line that is rewritten on a terminal, a line now and then elsewhere. */
const showProgress = (steps, since) => {
  const tty = process.stderr.isTTY === true
  const line = () =>
    steps
      .map(({ title, done }) => (done === undefined ? `${title} … ${seconds(since)} s` : `${title} ✓ ${done} s`))
      .join('   ')
  const print = () =>
    process.stderr.write(tty ? `\r\x1b[Kfluxo: installing ${line()}` : `fluxo: installing ${line()}\n`)
  print()
  const timer = setInterval(print, tty ? PROGRESS_MS : PROGRESS_QUIET_MS)
  return () => {
    clearInterval(timer)
    print()
    if (tty) process.stderr.write('\n')
  }
}

const missingOf = async (steps, context) => {
  const missing = []
  for (const step of steps) if (!(await step.isDone(context))) missing.push(step)
  return missing
}

/** One step with a log of its own; what it rejects with says why: npm's own error lines where there are any, else the end of the log. */
const runStep = async (step, { root }) => {
  const logFile = join(root, '.fluxo', 'logs', `install-${step.title.split(' ')[0].toLowerCase()}.log`)
  const log = openSync(logFile, 'w')
  try {
    await step.run({ root, log })
  } catch (error) {
    const lines = readText(logFile).trim().split('\n')
    const errors = lines.filter((line) => line.startsWith('npm error') && line.trim() !== 'npm error')
    const shown = errors.length > 0 ? errors.slice(0, LOG_LINES) : lines.slice(-LOG_LINES)
    throw new Error(`${step.title}: ${error.message} (log: ${logFile})\n${shown.join('\n')}`)
  } finally {
    closeSync(log)
  }
}

/**
 * Says what each missing step does to this machine, then does all at once; rejects with the first failure.
 * @public for its test, which runs it in a process of its own.
 */
export const runSteps = async (missing, context) => {
  for (const { announce } of missing) {
    const line = await announce?.()
    if (line) console.error(`fluxo: ${line}`)
  }
  const since = performance.now()
  const shown = missing.map(({ title }) => ({ title, done: undefined }))
  const stop = showProgress(shown, since)
  const results = await Promise.allSettled(
    missing.map(async (step, index) => {
      await runStep(step, context)
      shown[index].done = seconds(since)
    }),
  )
  stop()
  const failed = results.find(({ status }) => status === 'rejected')
  if (failed) throw failed.reason
}

/**
 * Brings what is missing on this machine: packages, a current Node, Redis and promtool where `redis` and `promtool` say so. What is there costs nothing but a look.
 * Several may run at once: one installs, the others wait and then find it done.
 */
export const install = async ({ root, redis, promtool = false }) => {
  const steps = [packagesStep, nodeStep, ...(redis ? [redisStep] : []), ...(promtool ? [promtoolStep] : [])]
  if ((await missingOf(steps, { root })).length === 0) return
  mkdirSync(join(root, '.fluxo', 'logs'), { recursive: true })
  const lockFile = join(root, '.fluxo', 'install.lock')
  await lock(lockFile)
  const release = () => rmSync(lockFile, { force: true })
  const leave = (signal) => {
    release()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.once(signal, leave)
  try {
    const missing = await missingOf(steps, { root })
    if (missing.length > 0) await runSteps(missing, { root })
  } finally {
    release()
    for (const signal of signals) process.off(signal, leave)
  }
}
