import type { Schema } from '../stage/openapi-document.ts'
import type { Random } from '../stage/random.ts'
import { HOSTILE_NUMBERS, HOSTILE_TEXTS, HOSTILE_VALUES } from './hostile.ts'

type Texts = keyof typeof HOSTILE_TEXTS
const TEXT_CLASSES = Object.keys(HOSTILE_TEXTS) as [Texts, ...Texts[]]

/** A text of one of the hostile kinds. */
export const hostileText = (random: Random, kind: Texts = random.pick(TEXT_CLASSES)): string =>
  random.pick<string>(HOSTILE_TEXTS[kind])

/** A text that fits the schema. */
export const plainText = (schema: Schema, random: Random, ids: readonly string[]): string => {
  if (schema.enum !== undefined) return String(random.pick(schema.enum))
  if (schema.format === 'date') return `2025-10-${String(random.int(1, 28)).padStart(2, '0')}`
  if (schema.format === 'uuid') return ids.length > 0 ? random.pick(ids) : crypto.randomUUID()
  if (schema.type === 'integer') return String(random.int(1, 100))
  if (schema.type === 'number') return `${random.int(0, 999)}.${String(random.int(1, 99)).padStart(2, '0')}`
  if (schema.pattern?.includes('\\d')) return String(random.int(0, 2))
  return `texto ${random.int(0, 999_999_999)}`
}

type Mutation =
  | { kind: 'none' }
  /** One field somewhere becomes this JSON source. */
  | { kind: 'value'; source: string }
  /** A field that nobody knows. */
  | { kind: 'extra'; name: string }
  | { kind: 'missing' }

/** What a field may become. */
export const mutationOf = (random: Random, kind: 'near' | 'number' | Texts): Mutation => {
  if (kind === 'number') return { kind: 'value', source: random.pick<string>(HOSTILE_NUMBERS) }
  if (kind === 'proto' && random.chance(0.5)) return { kind: 'extra', name: hostileText(random, 'proto') }
  if (kind !== 'near') return { kind: 'value', source: JSON.stringify(hostileText(random, kind)) }
  return random.pick<Mutation>([
    { kind: 'missing' },
    { kind: 'extra', name: 'a_mais' },
    { kind: 'value', source: random.pick<string>(HOSTILE_VALUES) },
  ])
}

/** JSON source of a value of this schema, with one field changed; numbers keep their source as it is written here. */
export const jsonOf = (schema: Schema, random: Random, ids: readonly string[], mutation: Mutation): string => {
  if (schema.properties !== undefined) return objectOf(schema, random, ids, mutation)
  if (schema.items !== undefined) {
    const items = schema.items
    const count = random.int(0, 3)
    const changed = random.int(0, Math.max(0, count - 1))
    const of = (i: number): Mutation => (i === changed ? mutation : { kind: 'none' })
    return `[${Array.from({ length: count }, (_, i) => jsonOf(items, random, ids, of(i))).join(',')}]`
  }
  if (mutation.kind === 'value') return mutation.source
  const text = plainText(schema, random, ids)
  return schema.type === 'number' || schema.type === 'integer' ? text : JSON.stringify(text)
}

const objectOf = (schema: Schema, random: Random, ids: readonly string[], mutation: Mutation): string => {
  const all = Object.entries(schema.properties ?? {})
  const [changed] = all.length > 0 ? random.pick(all) : []
  const fields = all.flatMap(([name, one]) => {
    const needed = schema.required?.includes(name) ?? false
    if (name === changed && mutation.kind === 'missing') return []
    if (name === changed && mutation.kind === 'value') return [`${JSON.stringify(name)}:${mutation.source}`]
    if (!needed && random.chance(0.6)) return []
    return [`${JSON.stringify(name)}:${jsonOf(one, random, ids, { kind: 'none' })}`]
  })
  if (mutation.kind === 'extra') fields.push(`${JSON.stringify(mutation.name)}:{"a":1}`)
  return `{${fields.join(',')}}`
}
