import { spawn } from 'node:child_process'

type ProgramOptions = {
  program: string
  args: readonly string[]
  timeoutMs: number
  env?: Readonly<Record<string, string>>
}

/** Runs a program to its end and resolves its output; rejects with what it said where it fails or takes longer than `timeoutMs`. */
export const runProgram = ({ program, args, timeoutMs, env }: ProgramOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(env && { env: { PATH: process.env['PATH'] ?? '', ...env } }),
    })
    const atExit = () => child.kill('SIGKILL')
    process.once('exit', atExit)
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', atExit)
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ended with ${code ?? signal}: ${errors.trim() || output.trim()}`))
    })
  })
