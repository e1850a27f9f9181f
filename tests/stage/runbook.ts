import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/data-folder.ts'

/** docs/operations.md, which operators follow to the letter. */
export const runbook = readFileSync(join(root, 'docs', 'operations.md'), 'utf8')

/** A statement of the runbook, and the database on which it is to be run. */
export type Statement = { database: string; text: string }

/** What it calls `sql DATABASE "…"`, in its order, as the shell passes it on. */
export const statements: readonly Statement[] = [...runbook.matchAll(/`?\bsql (\w+) (?:"([^"]+)"|'([^']+)')/g)].map(
  ([, database = '', double, single]) => ({ database, text: double ?? single ?? '' }),
)

/** The part under a heading, down to the next one of its kind. */
export const sectionOf = (heading: string): string => {
  const [, section] = runbook.split(`\n${heading}\n`)
  if (section === undefined) throw new Error(`docs/operations.md has no heading "${heading}"`)
  const depth = heading.indexOf(' ')
  return section.split(new RegExp(`\n#{1,${depth}} `))[0] ?? ''
}

/** Its statements of a section. */
export const statementsOf = (heading: string): readonly Statement[] => {
  const section = sectionOf(heading)
  return statements.filter(({ text }) => section.includes(text))
}
