import { execFile, spawn } from 'node:child_process'
import { writeSync } from 'node:fs'

/** What an outer npm passes down about its own run must not steer an inner one; settings such as the registry stay. */
const OUTER_NPM =
  /^npm_(package_|lifecycle_|config_(local_prefix|prefix|workspace|workspaces|include|omit|production|global)$)/

const cleanEnv = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUTER_NPM.test(name)))

/** Runs a program with its output in the log file `log` (a descriptor); rejects with its `name` when it fails. */
export const run = (program, args, { cwd, env, log, name = `${program} ${args[0] ?? ''}` }) =>
  new Promise((resolve, reject) => {
    writeSync(log, `\n$ ${program} ${args.join(' ')}\n`)
    const child = spawn(program, args, { cwd, env: { ...cleanEnv(), ...env }, stdio: ['ignore', log, log] })
    child.on('error', reject)
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${name} ended with ${code ?? signal}`)),
    )
  })

/** Runs the npm that runs us, or the one on PATH. */
export const npm = (args, settings) => {
  const options = { ...settings, name: `npm ${args[0]}` }
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.[cm]?js$/.test(cli)) return run(process.execPath, [cli, ...args], options)
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options)
}

/** What a program prints, or `undefined` where it is missing or fails. */
export const outputOf = (program, args, env = process.env) =>
  new Promise((resolve) => {
    execFile(program, args, { env }, (error, stdout) => resolve(error ? undefined : stdout))
  })
