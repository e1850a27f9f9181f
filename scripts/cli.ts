import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './data-folder.ts'

/** A wrong call: its message is shown with a pointer to `--help`, without a stack. */
export class UsageError extends Error {}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>['options']

/** The arguments after the command; an unknown one is a `UsageError`. `--help` prints the command's page and ends the process. */
export const argumentsOf = <const O extends Options>(command: string, options: O) => {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(readFileSync(join(root, 'scripts', 'help', `${command.replace(':', '-')}.txt`), 'utf8'))
    process.exit(0)
  }
  try {
    return parseArgs({ args: process.argv.slice(2), options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/**
 * Runs a command and ends the process: with the code that it gives, or 0. What it rejects with is printed as one sentence,
 * and the code is `failureCode` (2 for a wrong call).
 */
export const runCommand = async (
  command: string,
  body: () => Promise<void> | Promise<number>,
  failureCode = 1,
): Promise<never> => {
  try {
    process.exit((await body()) ?? 0)
  } catch (error) {
    console.error(`fluxo: ${error instanceof Error ? error.message : String(error)}`)
    if (error instanceof UsageError) console.error(`See: npm run ${command} -- --help`)
    process.exit(error instanceof UsageError ? 2 : failureCode)
  }
}
