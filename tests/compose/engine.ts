import { type ChildProcess, spawn } from 'node:child_process'

export type Output = { code: number; stdout: string; stderr: string }

/** Longer than building the image on a cold cache takes, and rolling seven containers on a busy machine (five minutes, seen). */
const COMMAND_TIMEOUT_MS = 600_000

const running = new Set<ChildProcess>()

/** Ends whatever commands are still under way, before everything is taken down: none may start a container after that. */
export const endCommands = (): void => {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

/**
 * Runs a program and gives what it wrote; its exit code is a value, not an error.
 *
 * In a process group of its own: Ctrl-C ends the test, which then takes everything down, and not the command in the middle.
 */
export const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Output> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const end = (code: number) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code, stdout, stderr })
    }
    child.once('error', (error) => {
      stderr += error.message
      end(127)
    })
    child.once('close', (code) => end(code ?? 1))
  })

/** `run`, and an error with the command's own last words where it fails. */
export const must = async (program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> => {
  const { code, stdout, stderr } = await run(program, args, env)
  if (code === 0) return stdout
  const words = (stderr.trim() || stdout.trim()).split('\n').slice(-15).join('\n')
  throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${words}`)
}

/** Why no containers can be run here; `undefined` where they can. */
export const missingEngine = async (): Promise<string | undefined> => {
  if ((await run('docker', ['info', '--format', '{{.ServerVersion}}'])).code !== 0)
    return 'no Docker engine is reachable'
  if ((await run('docker', ['compose', 'version'])).code !== 0) return 'Docker Compose v2 is not installed'
  return undefined
}
