// Every npm script goes through here. Plain JavaScript without dependencies, because it runs before anything is installed
// and on whatever Node is there (>= 20): it brings what is missing, then hands over to the command in TypeScript.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './setup/install.mjs'
import { currentNode } from './setup/node.mjs'

const NODE_MAJOR_MIN = 20
const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What each command runs, and whether it serves and needs a Redis server program, or Prometheus' promtool, on this machine. */
const COMMANDS = {
  start: { file: 'scripts/start.ts', redis: () => !process.env.REDIS_URL, serves: true },
  test: { file: 'scripts/test.ts', redis: () => true, promtool: true },
  bench: { file: 'bench/bench.ts', help: 'bench/help.txt', redis: () => true },
  token: { file: 'scripts/token.ts', redis: () => false },
  migrate: { file: 'scripts/migrate.ts', redis: () => false },
  'consolidado:rebuild': { file: 'scripts/consolidado-rebuild.ts', redis: () => false },
  verify: { file: 'scripts/verify.ts', redis: () => false },
  'avisos:mover': { file: 'scripts/avisos-mover.ts', redis: () => false },
  dlq: { file: 'scripts/dlq.ts', redis: () => false },
  fuzz: { file: 'scripts/fuzz.ts', redis: () => true },
  openapi: { file: 'scripts/openapi.ts', redis: () => false },
  'test:chaos': { file: 'tests/chaos/chaos.ts', redis: () => true },
  simulate: { file: 'tests/simulation/simulate.ts', redis: () => false },
  'test:compose': { file: 'scripts/test-compose.ts', redis: () => false },
}

const fail = (message) => {
  console.error(`fluxo: ${message}`)
  process.exit(1)
}

/** Prints the command's help without installing anything; `false` where it was not asked for. */
const answerHelp = (name, args) => {
  if (!args.includes('--help') && !args.includes('-h')) return false
  const file = join(root, COMMANDS[name].help ?? `scripts/help/${name.replace(':', '-')}.txt`)
  if (!existsSync(file)) return false
  process.stdout.write(readFileSync(file, 'utf8'))
  return true
}

/**
 * Node keeps compiled code here, with its types stripped: the second start loads no TypeScript parser, which halves the
 * memory of a service (247 to 112 MB in a trial) and its time to start. Not for tests: it blurs coverage.
 */
const compileCache = join(root, '.fluxo', 'compile-cache')

/** Says what an end without a word of its own means. */
const sayEnd = (signal) =>
  console.error(
    `fluxo: ended unexpectedly (${signal}). Its PostgreSQL and Redis are ended too; what was acknowledged is kept: npm start`,
  )

/** Runs the command with the current Node; signals go on to it, and its exit code is ours. */
const handOver = (command, args) => {
  const node = currentNode(root)
  const path = [dirname(node), join(root, '.fluxo', 'bin'), join(root, 'node_modules', '.bin'), process.env.PATH]
  const child = spawn(node, [join(root, command.file), ...args], {
    // Over the channel, what serves hears of our death.
    stdio: ['inherit', 'inherit', 'inherit', ...(command.serves ? ['ipc'] : [])],
    env: {
      ...(command.serves && {
        NODE_COMPILE_CACHE: compileCache,
        NODE_OPTIONS: '--max-old-space-size=256 --max-semi-space-size=12 --v8-pool-size=1',
      }),
      ...process.env,
      PATH: path.join(delimiter),
      DO_NOT_TRACK: '1',
      TURBO_TELEMETRY_DISABLED: '1',
    },
  })
  // Ctrl-C reaches the command from the terminal too: it takes signals in quick succession as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => {
    if (command.serves && signal) sayEnd(signal)
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0))
  })
}

const [name = '', ...args] = process.argv.slice(2)
const command = COMMANDS[name]
if (!command) fail(`unknown command "${name}". Commands: ${Object.keys(COMMANDS).join(', ')}`)
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  fail(`Node ${process.versions.node} is too old: Node >= ${NODE_MAJOR_MIN} and npm are needed.`)
}
if (!answerHelp(name, args)) {
  try {
    await install({ root, redis: command.redis(), promtool: command.promtool === true })
  } catch (error) {
    fail(error.message)
  }
  handOver(command, args)
}
