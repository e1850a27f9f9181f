import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ROW_NAMES } from '../bench/options.ts'
import { root } from './data-folder.ts'
import { StartEnvSchema } from './start-env.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const helpOf = (command: string): string =>
  read(command === 'bench' ? 'bench/help.txt' : `scripts/help/${command.replace(':', '-')}.txt`)
/** Each line of the settings of `npm start`: its name and what is said of it. */
const startSettings = new Map(
  [...helpOf('start').matchAll(/^ {2}([A-Z_]+) +(.+)$/gm)].map(([, a = '', b = '']) => [a, b]),
)

describe('npm start --help', () => {
  test('names every setting that is read, and no other', () => {
    expect(new Set(startSettings.keys())).toEqual(new Set(['FLUXO_DATA', ...Object.keys(StartEnvSchema.shape)]))
  })

  const defaults = StartEnvSchema.parse({})
  test.each(Object.entries(StartEnvSchema.shape))('%s: its choices and its default are told', (name, schema) => {
    const told = startSettings.get(name) ?? ''
    const inner = schema instanceof z.ZodDefault ? schema.unwrap() : schema
    if (inner instanceof z.ZodEnum) for (const choice of inner.options) expect(told).toContain(choice)
    const value = Object.entries(defaults).find(([key]) => key === name)?.[1]
    const shown = name.endsWith('_MS') ? `${Number(value) / 1_000}s` : String(value)
    if (value !== undefined) expect(told).toContain(`(${shown})`)
  })
})

/** What is npm's or the system's own, or settles nothing that a person would set. */
const NOT_SETTINGS = new Set(['INIT_CWD', 'PATH', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS'])
/** What `scripts/access.ts` can read, and only one of its two users does. */
const ONLY_FOR_MIGRATE = /_OWNER$/
const ONLY_FOR_DLQ = new Set(['REDIS_URL'])

/** The files of a command: its own, and those that they import, except the services and the rooms of shared. */
const filesOf = (path: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const [, to = ''] of read(path).matchAll(/from '(\.[^']+\.ts)'/g)) {
    const next = relative(root, join(root, dirname(path), to))
    if (next.startsWith('scripts/') || next.endsWith('/cli.ts')) filesOf(next, seen)
  }
  return seen
}

/** The names that a file reads of the environment: by `env['NAME']`, as a key of a schema or a pattern, or from a list of names. */
const namesIn = (path: string): string[] =>
  [
    ...read(path).matchAll(
      /\['([A-Z][A-Z_]+)'\]|(?:^ +|[{,] )([A-Z]+_[A-Z_]+|PARTICOES): |'(DATABASE_URL_[A-Z_]+|REDIS_URL)'/gm,
    ),
  ]
    .map(([, bracket, key, listed]) => bracket ?? key ?? listed ?? '')
    .filter((name) => !NOT_SETTINGS.has(name))

/** What a file takes over from a room of shared: `...NAME_ENV`, as the room declares it. */
const spreadIn = (path: string): string[] =>
  [...read(path).matchAll(/import \{[^}]*\b([A-Z]+_ENV)\b[^}]*\} from '@fluxo\/(shared\/[a-z/-]+)'/g)].flatMap(
    ([, name = '', room = '']) => {
      const declared =
        read(`${room}.ts`).match(new RegExp(`export const ${name} = \\{\\n([\\s\\S]*?)\\n\\}`))?.[1] ?? ''
      return [...declared.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, key = '']) => key)
    },
  )

const readBy = (command: string): Set<string> => {
  const names = new Set(
    [...filesOf(`scripts/${command.replace(':', '-')}.ts`)].flatMap((path) => [...namesIn(path), ...spreadIn(path)]),
  )
  const all = [...names].filter(
    (name) => !(command === 'dlq' && ONLY_FOR_MIGRATE.test(name)) && !(command === 'migrate' && ONLY_FOR_DLQ.has(name)),
  )
  return new Set(all)
}

const namedIn = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/\b(?:(?:DATABASE_URL|REDIS|JWT|EVENTOS|FEED|FLUXO)_[A-Z_]+|PARTICOES)\b/g)].map(
      ([name]) => name,
    ),
  )

test.each(['token', 'migrate', 'verify', 'dlq', 'consolidado:rebuild'])(
  'npm run %s --help names the settings that it reads, and no other',
  (command) => {
    expect(readBy(command).size).toBeGreaterThan(1)
    expect(namedIn(helpOf(command))).toEqual(readBy(command))
  },
)

/** Where the options of a command are declared, where that is not in its own script. */
const OPTIONS_IN: Readonly<Record<string, string>> = {
  bench: 'bench/options.ts',
  simulate: 'tests/simulation/simulate.ts',
  'test:chaos': 'tests/chaos/options.ts',
}

test.each(['token', 'verify', 'dlq', 'fuzz', 'bench', 'simulate', 'test:chaos'])(
  'npm run %s --help names the options that there are, and no other',
  (command) => {
    const source = read(OPTIONS_IN[command] ?? `scripts/${command}.ts`)
    const declared = [...source.matchAll(/\b([a-z]+): \{ type: '(?:string|boolean)'/g)].map(([, name = '']) => name)
    const told = [...helpOf(command).matchAll(/--([a-z]+)\b/g)].map(([, name = '']) => name)
    expect(declared.length).toBeGreaterThan(2)
    expect(new Set(told)).toEqual(new Set(declared))
  },
)

test('npm run bench --help names its rows', () => {
  const [, rows = ''] = /^Rows: ([\s\S]*?)\npost-traced/m.exec(helpOf('bench')) ?? []
  expect(rows.split(/\s+/)).toEqual([...ROW_NAMES])
})

test('every command of the launcher has a help, and every help a command', () => {
  const commands = [...read('scripts/run.mjs').matchAll(/^ {2}'?([a-z:]+)'?: \{ file: /gm)].map(([, name = '']) => name)
  expect(commands.length).toBeGreaterThan(10)
  const helps = [...readdirSync(join(root, 'scripts/help')).map((name) => name.replace('.txt', '')), 'bench']
  expect(new Set(helps)).toEqual(new Set(commands.map((name) => name.replace(':', '-'))))
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
  for (const command of commands) {
    expect(scripts[command]).toBe(`node scripts/run.mjs ${command}`)
    expect(read('README.md')).toMatch(new RegExp(`npm (run )?${command}\\b`))
    expect(helpOf(command)).toContain(`npm ${['start', 'test'].includes(command) ? '' : 'run '}${command}`)
  }
})
