import { root } from '../../scripts/data-folder.ts'
import { SERVICE_NAMES } from '../stage/services.ts'
import { type Deps, step } from './disturbances.ts'
import { must, run } from './engine.ts'
import { buildNext } from './next-version.ts'
import type { Stack } from './stack.ts'

const ROLL = [`${root}/deploy/compose/roll.sh`, ...SERVICE_NAMES]
const COLUMNS = "select string_agg(column_name, ' ') from information_schema.columns where column_name = 'do_futuro'"

const idsOf = async (stack: Stack): Promise<string[]> =>
  (await Promise.all(SERVICE_NAMES.map((service) => stack.containers(service)))).flat().map(({ Id }) => Id)

/** A version whose migration fails: the roll refuses, in one sentence, and touches nothing. */
const rollBroken = async (deps: Deps): Promise<void> => {
  const { stack, report } = deps
  const next = await buildNext(stack, 'select 1 / 0')
  try {
    const before = await idsOf(stack)
    let refused = { code: 0, stderr: '' }
    await step(deps, 'rolling a version whose migration fails', async () => {
      refused = await run('sh', ROLL, next.env)
    })
    const last = refused.stderr.trim().split('\n').at(-1) ?? ''
    const kept = (await idsOf(stack)).join() === before.join()
    const said = refused.code === 1 && last.includes('could not be migrated')
    report.check('the roll refuses in one sentence, and every container is the old one', kept && said, last)
  } finally {
    await next.remove()
  }
}

/** A container of the new version beside databases of the old one: it is not ready, and says why. */
const startUnmigrated = async ({ report }: Deps, env: NodeJS.ProcessEnv): Promise<void> => {
  const id =
    (await must('docker', ['compose', 'run', '-d', '--no-deps', 'lancamentos'], env)).trim().split('\n').at(-1) ?? ''
  try {
    const asked = `fetch('http://127.0.0.1:3001/health/ready').then(async (r) => console.log(r.status, await r.text()))`
    let said = ''
    for (let tries = 0; tries < 60 && !said.startsWith('503'); tries += 1) {
      said = (await run('docker', ['exec', id, 'node', '-e', asked])).stdout.trim()
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
    report.check(
      'without the migration a new container is not ready and says why',
      said.includes('lacks 9999_next'),
      said,
    )
  } finally {
    await run('docker', ['rm', '-f', id])
  }
}

/** A new version with a new column: every container of the services is replaced as docs/operations.md has it. */
export const rollServices = async (deps: Deps): Promise<void> => {
  const { stack, report } = deps
  await rollBroken(deps)
  const next = await buildNext(stack, 'alter table lancamentos add column do_futuro text')
  try {
    await startUnmigrated(deps, next.env)
    const before = await idsOf(stack)
    await step(deps, 'rolling every container of the services to a version with a new column', async () => {
      await must('sh', ROLL, next.env)
    })
    const after = await idsOf(stack)
    const replaced = after.length === before.length && after.every((id) => !before.includes(id))
    report.check('every container is a new one', replaced, `${before.length} before, ${after.length} after`)
    const psql = ['exec', '-T', 'postgres', 'psql', '-qAtX', '-U', 'postgres', '-d', 'lancamentos', '-c', COLUMNS]
    const column = (await stack.compose(...psql)).trim()
    report.check('the column is there', column === 'do_futuro', column)
  } finally {
    await next.remove()
  }
}
