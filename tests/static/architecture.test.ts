import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as rules from './rules.ts'
import { root, type SourceFile, sourceFiles } from './source-files.ts'

const FILES = sourceFiles()

/** Each rule with files that break it, and the words that its complaint must hold: nobody trusts a rule that was never seen to fail. */
const CASES: readonly { name: string; rule: rules.Rule; planted: readonly SourceFile[]; complaint: string }[] = [
  {
    name: 'shared imports no app',
    rule: rules.partArrows,
    planted: [{ path: 'shared/log/pages.ts', text: "import { x } from '../../apps/lancamentos/src/app.ts'\n" }],
    complaint: 'must not import apps/lancamentos/src/app.ts',
  },
  {
    name: 'shared does not import drizzle',
    rule: rules.partArrows,
    planted: [{ path: 'shared/log/x.int.test.ts', text: "import { migrate } from '@fluxo/drizzle/migrate'\n" }],
    complaint: 'must not import @fluxo/drizzle/migrate',
  },
  {
    name: 'no app imports another',
    rule: rules.partArrows,
    planted: [{ path: 'apps/consolidado/src/app.ts', text: "const a = await import('@fluxo/lancamentos/app')\n" }],
    complaint: 'must not import @fluxo/lancamentos/app',
  },
  {
    name: 'drizzle imports nothing of ours',
    rule: rules.partArrows,
    planted: [{ path: 'drizzle/migrate.ts', text: "import type {\n  Sql,\n} from '@fluxo/shared/postgres/sql'\n" }],
    complaint: 'must not import @fluxo/shared/postgres/sql',
  },
  {
    name: 'the rooms of shared keep their arrows',
    rule: rules.roomArrows,
    planted: [{ path: 'shared/log/relay.ts', text: "export { a } from '../stream/publisher.ts'\n" }],
    complaint: 'log must not import shared/stream/publisher.ts',
  },
  {
    name: 'a new room says which rooms it may know',
    rule: rules.roomArrows,
    planted: [{ path: 'shared/mail/send.ts', text: 'export const a = 1\n' }],
    complaint: 'the room "mail" has no arrows yet',
  },
  {
    name: 'the domain does no I/O',
    rule: rules.decidingFilesArePure,
    planted: [{ path: 'apps/lancamentos/src/domain/dia.ts', text: "import { readFile } from 'node:fs/promises'\n" }],
    complaint: 'must not need node:fs/promises',
  },
  {
    name: 'a deciding file does no I/O through another either',
    rule: rules.decidingFilesArePure,
    planted: [
      { path: 'apps/lancamentos/src/lote/lote.ts', text: "import { a } from './store.ts'\n" },
      { path: 'apps/lancamentos/src/lote/store.ts', text: "import postgres from 'postgres'\n" },
    ],
    complaint: 'must not need postgres (through apps/lancamentos/src/lote/store.ts)',
  },
  ...['await x', 'process.env', 'Date.now()', 'new Date()', 'randomUUID()'].map((word) => ({
    name: `a deciding file does not use ${word}`,
    rule: rules.decidingFilesArePure,
    planted: [{ path: 'apps/lancamentos/src/estornar/estornar.ts', text: `// new Date(\nexport const a = ${word}\n` }],
    complaint: 'must not use',
  })),
  {
    name: 'no file has more than 250 lines',
    rule: rules.filesAreShort,
    planted: [{ path: 'shared/log/long.ts', text: 'const a = 1\n'.repeat(251) }],
    complaint: '251 lines, at most 250',
  },
  {
    name: 'names are kebab-case',
    rule: rules.namesAreKebab,
    planted: [{ path: 'shared/log/groupCommit.ts', text: '' }],
    complaint: '"groupCommit.ts" is not kebab-case',
  },
  {
    name: 'only main.ts reads the environment',
    rule: rules.envIsReadOnce,
    planted: [{ path: 'apps/lancamentos/src/app.ts', text: "const port = process.env['PORT']\n" }],
    complaint: 'reads process.env',
  },
  ...['assinatura === esperada', 'given !== options.secret', 'mac.equals(digest(x))', 'senha.startsWith(x)'].map(
    (text) => ({
      name: `a secret is not compared by ${text}`,
      rule: rules.secretsAreComparedInConstantTime,
      planted: [{ path: 'shared/http/auth.ts', text: `const a = secret === undefined\nconst b = ${text}\n` }],
      complaint: 'compares a secret',
    }),
  ),
  {
    name: 'nothing is any',
    rule: rules.noAny,
    planted: [{ path: 'shared/log/pages.ts', text: 'const a = (b: any) => b\n' }],
    complaint: 'uses any',
  },
  {
    name: 'no file needs itself through others',
    rule: rules.noCycles,
    planted: [
      { path: 'shared/log/a.ts', text: "import { b } from './b.ts'\n" },
      { path: 'shared/log/b.ts', text: "import type { A } from './a.ts'\n" },
    ],
    complaint: 'shared/log/a.ts → shared/log/b.ts → shared/log/a.ts',
  },
]

describe('the architecture', () => {
  test.each(CASES)('$name', ({ rule }) => {
    const { seen, violations } = rule(FILES)
    expect(seen, 'files that the rule looked at').toBeGreaterThan(0)
    expect(violations).toEqual([])
  })
})

describe('each rule is able to fail', () => {
  test.each(CASES)('$name', ({ rule, planted, complaint }) => {
    expect(rule(planted).violations.join('\n')).toContain(complaint)
  })

  test('a rule that sees no file is noticed', () => {
    for (const { rule } of CASES) expect(rule([]).seen).toBe(0)
  })
})

const PLANTED_LINT: readonly (readonly [name: string, rule: string, text: string])[] = [
  [
    'a function of more than 70 lines',
    'noExcessiveLinesPerFunction',
    `export function f(): number {\n  let a = 0\n${'  a += 1\n'.repeat(71)}  return a\n}\n`,
  ],
  ['an explicit any', 'noExplicitAny', 'export const f = (a: any): unknown => a\n'],
  ['a default export', 'noDefaultExport', 'export default 1\n'],
  ['a non-null assertion', 'noNonNullAssertion', 'export const f = (a?: string): string => a!\n'],
  ['an enum', 'noEnum', 'export enum A {\n  B,\n}\n'],
  [
    'a promise that nobody waits for',
    'noFloatingPromises',
    'const f = async (): Promise<void> => {}\nexport const g = (): void => {\n  f()\n}\n',
  ],
]

/** What biome says, with this repository's rules, of the planted files in a folder of their own. */
const lint = (folder: string): string => {
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
  writeFileSync(join(folder, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }))
  for (const [index, [, , text]] of PLANTED_LINT.entries()) writeFileSync(join(folder, `planted-${index}.ts`), text)
  const result = spawnSync(join(root, 'node_modules', '.bin', 'biome'), ['lint', '--colors=off', '.'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return result.stdout + result.stderr
}

describe('the lint is able to fail', () => {
  let folder = ''
  let output = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fluxo-lint-'))
    output = lint(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(PLANTED_LINT)('it refuses %s', (name, rule) => {
    const file = `planted-${PLANTED_LINT.findIndex(([other]) => other === name)}.ts`
    expect(output.split('\n').filter((line) => line.startsWith(file) && line.includes(rule))).not.toEqual([])
  })
})
