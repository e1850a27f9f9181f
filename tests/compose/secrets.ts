import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../scripts/data-folder.ts'
import { must, run } from './engine.ts'
import type { Report } from './report.ts'
import { nameOf, type Stack } from './stack.ts'

const IMAGE = 'fluxo/servico:local'
/** Beside the code, where a developer may keep one; what is in it must not travel. */
const PLANTED = join(root, 'apps', 'lancamentos', '.env.canario')
const CANARY = 'CANARIO-do-contexto-de-build'
/** Text of the services' own code: the search sees what is in the layers only where it finds this. */
const CONTROL = "set_config('fluxo.comerciante'"

/** Puts a file with a secret beside the code, before the image is made; gives what takes it away again. */
export const plantSecret = async (): Promise<() => Promise<void>> => {
  await writeFile(PLANTED, `SEGREDO=${CANARY}\n`)
  return () => rm(PLANTED, { force: true })
}

/**
 * Prints what of `$WANTED` (a pattern a line) is in any layer, compressed or not. The patterns travel by the environment: what is an
 * argument, everybody on the machine can read.
 */
const SEARCH = `set -o pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
docker save ${IMAGE} | tar -x -C "$folder" || exit 1
find "$folder" -type f -exec gzip -dcf {} + | grep -aoFf <(printf '%s\\n' "$WANTED") | sort -u`

type Deps = { stack: Stack; report: Report }

/** The image as everybody gets it who may pull it: all its layers, its history and its settings. */
export const checkImageSecrets = async ({ stack, report }: Deps): Promise<void> => {
  const wanted = [...Object.values(stack.secrets), CANARY, CONTROL].join('\n')
  const layers = await run('bash', ['-c', SEARCH], { ...process.env, WANTED: wanted })
  report.check('the search sees what is in the layers', layers.stdout.includes(CONTROL), layers.stderr.trim())
  const found = new Set(layers.stdout.split('\n').filter((line) => line !== '' && line !== CONTROL))
  report.check('no secret is in any layer of the image', found.size === 0, `${found.size} found`)
  const told = await must('docker', ['image', 'inspect', IMAGE])
  const history = await must('docker', ['history', '--no-trunc', '--format', '{{.CreatedBy}}', IMAGE])
  report.check('no secret is in the history of the image', isClean(told + history, stack))
}

/** What the containers wrote, and the commands by which they run, which every user of the machine can list. */
export const checkRunningSecrets = async ({ stack, report }: Deps): Promise<void> => {
  const { stdout, stderr } = await stack.tryCompose(['logs', '--no-color'])
  report.check('no secret is in any log', stdout !== '' && isClean(stdout + stderr, stack))
  for (const container of await stack.containers()) {
    const commands = await must('docker', ['top', container.Id, '-eo', 'pid,args'])
    report.check(`no secret is in the commands of ${nameOf(container)}`, isClean(commands, stack))
  }
}

const isClean = (text: string, { secrets }: Stack): boolean =>
  [...Object.values(secrets), CANARY].every((secret) => secret === undefined || !text.includes(secret))
