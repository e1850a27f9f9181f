import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rule } from './rules.ts'
import { codeOf, isTest, root, type SourceFile } from './source-files.ts'

/** `docs/glossario.md`, "Machine words": each word that code does not use, with the one that it uses instead. */
export const machineWords = (
  text = readFileSync(join(root, 'docs/glossario.md'), 'utf8'),
): ReadonlyMap<string, string> => {
  const table = text.split('## Machine words')[1] ?? ''
  const rows = [...table.slice(table.indexOf('|---|')).matchAll(/^\| ([a-z ]+) \| ([a-z, ]+) \|$/gm)]
  return new Map(rows.flatMap(([, but = '', not = '']) => not.split(', ').map((word) => [word, but] as const)))
}

/** `lerEventoDoLog` is `ler`, `evento`, `do`, `log`. */
const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_\d$]+/)

const DECLARED = /\b(?:const|let|function\*?|type|class|interface)\s+([A-Za-z_$][\w$]*)/g
/** More than one word in one name. A name of one word may be a field of an answer, of a row or of an event: a contract. */
const COMPOUND = /(?<![\w$])[A-Za-z$]*[a-z0-9][A-Z][\w$]*/g

/** The names that a file chooses itself: what it declares, and compounds. Tables keep the names that they have in PostgreSQL. */
const namesIn = (file: SourceFile): ReadonlySet<string> => {
  const code = codeOf(file)
  const declared = [...code.matchAll(DECLARED)].map(([, name = '']) => name)
  return new Set([...declared, ...[...code.matchAll(COMPOUND)].map(([name]) => name)])
}

/** R1 and R2: machine things have English names. Words of the business are Portuguese, and in the glossary. */
export const machineWordsAreEnglish: Rule = (files) => {
  const words = machineWords()
  const read = files.filter(({ path }) => !/^drizzle\//.test(path))
  const violations = read.flatMap((file) =>
    [...namesIn(file)].flatMap((name) =>
      wordsOf(name).flatMap((word) => {
        const but = words.get(word)
        return but === undefined ? [] : [`${file.path}: ${name}: "${word}" is called "${but}"`]
      }),
    ),
  )
  return { seen: words.size === 0 ? 0 : read.length, violations }
}

const EXPORTED_TYPE = /^export (?:type|interface|class|abstract class) ([A-Za-z_$][\w$]*)/gm

/** R3: an exported type's name is unique over the apps and shared, so that it has one meaning. */
export const typesAreUnique: Rule = (files) => {
  const read = files.filter((file) => /^(apps|shared)\//.test(file.path) && !isTest(file))
  const places = new Map<string, string[]>()
  for (const file of read) {
    for (const [, name = ''] of codeOf(file).matchAll(EXPORTED_TYPE)) {
      places.set(name, [...(places.get(name) ?? []), file.path])
    }
  }
  const twice = [...places].filter(([, paths]) => paths.length > 1)
  return { seen: read.length, violations: twice.map(([name, paths]) => `${name} is a type of ${paths.join(' and ')}`) }
}
