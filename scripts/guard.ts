import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * Starts what ends our servers when this process dies by whatever cause: a kill -9 of it or of its whole group, or no more memory.
 * They would go on for ever, being in groups of their own.
 *
 * A shell (1 MB, in a session of its own) waits for a line of us. The end of the pipe without one, which the system sees to, is our
 * death: then it becomes `end-servers.ts`. Resolving `release` says the line. Where there is no `sh`, the next start takes the
 * servers over.
 */
export const guardServers = (folder: string): { release: () => Promise<void> } => {
  const guard = spawn(
    'sh',
    [
      '-c',
      'read -r line || exec "$@"',
      'fluxo-guard',
      process.execPath,
      join(import.meta.dirname, 'end-servers.ts'),
      folder,
    ],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  )
  guard.once('error', () => {})
  guard.stdin.once('error', () => {})
  guard.unref()
  return { release: () => new Promise((done) => guard.stdin.end('released\n', () => done())) }
}
