import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './source-files.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const NOT_OURS = new Set(['node_modules', 'coverage'])

const entriesOf = (folder: string) =>
  readdirSync(join(root, folder), { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith('.') && !NOT_OURS.has(name),
  )
/** The folders right below a folder. */
const foldersIn = (folder: string): string[] =>
  entriesOf(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
const pagesIn = (folder: string): string[] =>
  entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pagesIn(path)
    return path.endsWith('.md') ? [path] : []
  })

/** What README's table lists of a folder: the words after the colon, without their links and what is said of them in brackets. */
const listedOf = (folder: string): string[] => {
  const row = read('README.md').match(
    new RegExp(`^\\| \\[${folder.replace('/src', '')}\\]\\(${folder}\\) \\| [^:|]+: (.+) \\|$`, 'm'),
  )?.[1]
  const plain = (row ?? '')
    .replaceAll(/\]\([^)]*\)/g, '')
    .replaceAll('[', '')
    .replaceAll(/ \([^)]*\)/g, '')
  return plain.split(', ')
}

test.each(['apps/lancamentos/src', 'apps/consolidado/src', 'apps/entregas/src', 'apps/avisos/src', 'shared'])(
  'README lists the folders that %s has',
  (folder) => {
    expect(new Set(listedOf(folder))).toEqual(new Set(foldersIn(folder)))
  },
)

test('CONTRIBUTING says of every folder what it is for, and of none that is not there', () => {
  const cells = [...read('CONTRIBUTING.md').matchAll(/^\| ((?:`[a-z0-9/]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z0-9/]+)`/g)].map(([, name = '']) => name.replace(/\/$/, '')),
  )
  const folders = foldersIn('').flatMap((name) =>
    ['apps', 'tests'].includes(name) ? foldersIn(name).map((below) => `${name}/${below}`) : [name],
  )
  expect(new Set(cells)).toEqual(new Set(folders))
})

/** Links that a reader of the repository follows: to files and their headings, not to the web. */
const linksOf = (page: string): string[] =>
  [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to).filter((to) => !/^[a-z]+:/.test(to))
/** The addresses that GitHub gives the headings of a page. */
const headingsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test.each(pagesIn(''))('every link of %s leads somewhere', (page) => {
  const lost = linksOf(page).filter((to) => {
    const [path = '', heading] = to.split('#')
    const target = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(root, target))) return true
    return heading !== undefined && target.endsWith('.md') && !headingsOf(target).includes(heading)
  })
  expect(lost).toEqual([])
})

/** A page with pictures that one sitting takes in; what is longer belongs to the pages that it links. */
const ARCHITECTURE_LINES_MAX = 150

test('docs/architecture.md stays a page', () => {
  expect(read('docs/architecture.md').trimEnd().split('\n').length).toBeLessThanOrEqual(ARCHITECTURE_LINES_MAX)
})
