import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runbook, sectionOf } from '../stage/runbook.ts'
import { SERVICE_NAMES } from '../stage/services.ts'
import { waitFor } from '../stage/wait-for.ts'
import { type Client, JSON_BODY } from './client.ts'
import { must } from './engine.ts'
import type { Report } from './report.ts'
import type { Stack } from './stack.ts'

type Deps = { stack: Stack; client: Client; report: Report; token: string }

const READY_MS = 120_000
const fences = (text: string): string[] => [...text.matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
/** What stands in a text to be run: blocks of code, and commands within a line, in their order. */
const commandsOf = (text: string): string =>
  [...text.matchAll(/^```\n([\s\S]*?)^```|`((?:docker compose|sql) [^`]+)`/gm)]
    .map(([, block, inline]) => block ?? inline ?? '')
    .join('\n')
const step = (number: number): string => {
  const [, text = ''] =
    new RegExp(`^${number}\\. ([\\s\\S]*?)(?=^${number + 1}\\. |^The same)`, 'm').exec(sectionOf('### Restoring')) ?? []
  return commandsOf(text)
}
const firstOf = (heading: string): string => /`(docker compose exec [^`]+)`/.exec(sectionOf(heading))?.[1] ?? 'false'
/** `sql() { … }` and `heads() { … }` of the runbook. */
const SQL = (runbook.match(/^\w+\(\) \{.*\}$/gm) ?? []).join('\n')

/**
 * docs/operations.md, "Backup and restore", as it is written, by a shell that stops at the first failure: everything is dumped, an order is
 * delivered and paid after that, and the orders and then the ledger are lost and restored.
 */
export const checkRestore = async ({ stack, client, report, token }: Deps): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxo-restore-'))
  // A test has no terminal: `exec` is told so where the page has a person in mind.
  const sh = (script: string) => {
    const quiet = script.replaceAll(/docker compose exec (?!-T )/g, 'docker compose exec -T ')
    return must('sh', ['-euc', `cd ${folder}\n${SQL}\n${quiet}`], stack.env)
  }
  const restore = async (database: string, own: number, balances: boolean) => {
    const began = performance.now()
    for (const number of [1, 2, 3]) await sh(step(number))
    await sh(step(4).replaceAll('lancamentos', database))
    for (const number of [own, 7, 8, 9]) await sh(step(number))
    for (const service of [...SERVICE_NAMES, 'nginx'] as const)
      await stack.healthy(service, (await stack.containers(service)).length)
    if (balances) await sh(firstOf('## Rebuilding the balances'))
    const said = await sh(firstOf('## Are the books right?'))
    const seconds = ((performance.now() - began) / 1_000).toFixed(1)
    report.check(
      `${database} is restored as documented, and the books are exact`,
      said.includes('exact'),
      `${seconds} s`,
    )
  }
  try {
    const [backup = '', ...others] = fences(sectionOf('## Backup and restore'))
    await sh(backup)
    const body = JSON.stringify({ customer_name: 'Ana', address: 'Rua A', valor: 7 })
    const created = await client.send('POST', '/orders', { token, headers: JSON_BODY, body })
    const { id } = JSON.parse(created.text) as { id: string }
    const lists = others.find((block) => block.includes('comm -23')) ?? 'false'
    const hasMoney = async () => {
      await sh(lists)
      return (await sh('cat with-money')).includes(id)
    }
    await waitFor(hasMoney, { timeoutMs: READY_MS, intervalMs: 1_000, what: 'the money of an order after the dump' })
    await restore('entregas', 6, false)
    const unknown = (await sh(lists)).trim()
    report.check('an order made after the dump is in the books and unknown', unknown === id, unknown)
    await restore('lancamentos', 5, true)
    report.check('a ledger of the same age has no money of unknown orders', (await sh(lists)).trim() === '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
