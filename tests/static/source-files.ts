import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A TypeScript file of the repository: its path from the root with `/`, and its text. */
export type SourceFile = { path: string; text: string }
export type Import = { from: string; typeOnly: boolean }

const FOLDERS = ['apps', 'shared', 'drizzle', 'bench', 'scripts', 'tests']
const SKIPPED = new Set(['node_modules', 'coverage', 'dist', '.turbo', '.vitest'])
export const root = fileURLToPath(new URL('../..', import.meta.url))

const walk = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return walk(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })

/** Every TypeScript file of the repository, tests included. */
export const sourceFiles = (): SourceFile[] =>
  FOLDERS.flatMap(walk).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

/** Tests and what only they use: `x.test.ts`, `x-fixture.ts`, an app's `test/` folder. */
export const isTest = ({ path }: SourceFile): boolean => /(\.test|-fixture)\.ts$|^apps\/[^/]+\/test\//.test(path)

/** Comments, strings and templates, longest first; what is matched is no code. A regular expression literal is left as it is. */
const NO_CODE = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g

/** The text without comments, and with empty strings: what a search for forbidden words may look at. */
export const codeOf = ({ text }: SourceFile): string =>
  text.replace(NO_CODE, (match) => (match.startsWith('/') ? ' ' : "''"))

const withoutComments = (text: string): string =>
  text.replace(NO_CODE, (match) => (match.startsWith('/') ? ' ' : match))

const FROM = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'"`;]*?\sfrom\s+)?['"]([^'"\n]+)['"]/g
const DYNAMIC = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g

/** Every module that a file imports or exports from; a package by its name, a relative one by its path from the root. */
export const importsOf = (file: SourceFile): Import[] => {
  const text = withoutComments(file.text)
  const statics = [...text.matchAll(FROM)].map((match) => ({ from: match[2] ?? '', typeOnly: match[1] !== undefined }))
  const dynamics = [...text.matchAll(DYNAMIC)].map((match) => ({ from: match[1] ?? '', typeOnly: false }))
  return [...statics, ...dynamics].map(({ from, typeOnly }) => ({
    from: from.startsWith('.') ? posix.join(posix.dirname(file.path), from) : from,
    typeOnly,
  }))
}

/** The part of the repository that a path or a workspace's name belongs to: `apps/tudo`, `shared`, …; `undefined` for packages from npm. */
export const partOf = (pathOrName: string): string | undefined => {
  const path = pathOrName.startsWith('@fluxo/') ? pathOrName.slice('@fluxo/'.length) : pathOrName
  const [first = '', second = ''] = path.split('/')
  if (first === 'apps') return `apps/${second}`
  if (FOLDERS.includes(first)) return first
  return pathOrName.startsWith('@fluxo/') ? `apps/${first}` : undefined
}

/** The room of `shared` that a path or an import belongs to: `stream`, `http`, or the file itself for `errors` and `money`. */
export const roomOf = (pathOrName: string): string | undefined => {
  const match = /^(?:@fluxo\/)?shared\/([^/]+)/.exec(pathOrName)
  return match?.[1]?.replace(/(\.test)?\.ts$/, '')
}
