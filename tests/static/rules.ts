import { codeOf, type Import, importsOf, isTest, partOf, roomOf, type SourceFile } from './source-files.ts'

/** What a rule looked at, and what it found. A rule that looked at nothing has failed too. */
type Verdict = { seen: number; violations: string[] }
export type Rule = (files: readonly SourceFile[]) => Verdict

const LINES_MAX = 250
/** Files over the limit, each with the reason that was accepted. */
const LONG_FILES: Readonly<Record<string, string>> = {}

/** The packages whose import means input or output. */
const IO_PACKAGES =
  /^(node:(?!crypto$|buffer$|util$|assert$)|postgres$|ioredis$|hono($|\/)|@hono\/|drizzle-orm|pino$|prom-client$|opossum$|cockatiel$)/
/** Rooms of shared that only compute. */
const PURE_ROOMS = new Set([
  'codigos',
  'csv',
  'day',
  'errors',
  'fields',
  'id',
  'money',
  'outcome',
  'queues',
  'shares',
  'text',
])
/** What a decision must not do: wait, read the clock or the environment, make an id. */
const IMPURE_WORDS =
  /\bawait\b|\bprocess\.env\b|\bDate\.now\b|\bnew Date\(\)|\brandomUUID\b|\brandomBytes\b|\bMath\.random\b|\bfetch\(/g

/** Which room of shared may import which. `clock`, `wait` and the pure rooms may be imported by all; telemetry by all but them. */
const ROOM_ARROWS: Readonly<Record<string, readonly string[]>> = {
  codigos: [],
  clock: [],
  env: [],
  csv: [],
  day: [],
  errors: [],
  fields: [],
  id: [],
  queues: [],
  money: [],
  outcome: [],
  shares: [],
  text: [],
  wait: [],
  telemetry: [],
  resilience: ['telemetry'],
  postgres: ['telemetry'],
  redis: ['telemetry'],
  http: ['telemetry', 'resilience'],
  openapi: ['http'],
  log: ['telemetry', 'postgres', 'resilience'],
  imports: ['http', 'openapi'],
  feed: ['telemetry', 'resilience', 'log', 'http', 'openapi'],
  stream: ['telemetry', 'redis', 'log', 'resilience'],
  inbox: ['postgres'],
  repair: ['telemetry', 'postgres', 'inbox', 'feed', 'resilience'],
  follow: ['telemetry', 'postgres', 'redis', 'log', 'inbox', 'feed', 'repair', 'stream'],
  live: ['telemetry', 'redis', 'resilience', 'stream', 'http', 'openapi'],
  cache: ['redis', 'resilience'],
  ratelimit: ['telemetry', 'env', 'http', 'redis'],
  process: ['telemetry', 'env', 'http', 'postgres', 'redis', 'log', 'stream', 'inbox', 'feed', 'follow', 'ratelimit'],
}
/** Whoever may be imported by all: rooms that only compute, the clock, and who waits by it. */
const EVERYBODY = new Set([...PURE_ROOMS, 'clock', 'wait'])

const judge = (files: readonly SourceFile[], find: (file: SourceFile) => readonly string[]): Verdict => ({
  seen: files.length,
  violations: files.flatMap((file) => find(file).map((what) => `${file.path}: ${what}`)),
})

const isApp = (part: string | undefined): boolean => part?.startsWith('apps/') === true

const mayImport = (from: string, to: string): boolean => {
  if (from === to || ['bench', 'scripts', 'tests'].includes(from)) return true
  if (from === 'apps/tudo' && isApp(to)) return true
  return isApp(from) && (to === 'shared' || to === 'drizzle')
}

/** apps → shared, apps → drizzle, and only the composition knows several apps. Tests may use the stage of all tests. */
export const partArrows: Rule = (files) =>
  judge(
    files.filter(({ path }) => isApp(partOf(path)) || partOf(path) === 'shared' || partOf(path) === 'drizzle'),
    (file) =>
      importsOf(file)
        .filter(({ from }) => !(isTest(file) && /^@fluxo\/tests\/stage\/|^scripts\/local\//.test(from)))
        .filter(({ from }) => !mayImport(partOf(file.path) ?? '', partOf(from) ?? partOf(file.path) ?? ''))
        .map(({ from }) => `must not import ${from}`),
  )

/** The rooms of shared know each other only along the arrows above. Tests may build upon any room. */
export const roomArrows: Rule = (files) =>
  judge(
    files.filter((file) => partOf(file.path) === 'shared' && !isTest(file)),
    (file) => {
      const room = roomOf(file.path) ?? ''
      const allowed = ROOM_ARROWS[room]
      if (!allowed) return [`the room "${room}" has no arrows yet: add it to tests/static/rules.ts`]
      return importsOf(file)
        .map(({ from }) => ({ from, to: roomOf(from) }))
        .filter(({ to }) => to !== undefined && to !== room && !EVERYBODY.has(to) && !allowed.includes(to))
        .map(({ from }) => `${room} must not import ${from}`)
    },
  )

const DECIDING = /^apps\/[^/]+\/src\/(?:domain\/.+|(?:.+\/)?([^/]+)\/\1)\.ts$/
const isDeciding = (file: SourceFile): boolean => !isTest(file) && DECIDING.test(file.path)

const isIo = ({ from }: Import): boolean => {
  if (IO_PACKAGES.test(from)) return true
  const room = roomOf(from)
  return room !== undefined && !PURE_ROOMS.has(room)
}

/** A file and all that it needs at run time from its own app. */
const closure = (file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): SourceFile[] => {
  const found = new Map([[file.path, file]])
  for (const reached of found.values()) {
    for (const { from, typeOnly } of importsOf(reached)) {
      const next = byPath.get(from)
      if (next && !typeOnly) found.set(next.path, next)
    }
  }
  return [...found.values()]
}

/** domain/ and the file with its folder's name only decide: neither they nor what they need do I/O, wait, or read clock, env or ids. */
export const decidingFilesArePure: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  return judge(files.filter(isDeciding), (file) => [
    ...closure(file, byPath).flatMap((needed) =>
      importsOf(needed)
        .filter((imported) => !imported.typeOnly && isIo(imported))
        .map(({ from }) => `decides, so it must not need ${from}${needed === file ? '' : ` (through ${needed.path})`}`),
    ),
    ...[...new Set(codeOf(file).match(IMPURE_WORDS))].map((word) => `decides, so it must not use ${word}`),
  ])
}

/** No file is longer than a reader's patience. */
export const filesAreShort: Rule = (files) =>
  judge(files, ({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    return lines > LINES_MAX && LONG_FILES[path] === undefined ? [`${lines} lines, at most ${LINES_MAX}`] : []
  })

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(config|test|int\.test|e2e\.test|d))?\.ts$/

/** File names are kebab-case, folders too. */
export const namesAreKebab: Rule = (files) =>
  judge(files, ({ path }) => {
    const names = path.split('/')
    const file = names.pop() ?? ''
    const bad = [...names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)), ...(KEBAB.test(file) ? [] : [file])]
    return bad.map((name) => `"${name}" is not kebab-case`)
  })

/** Services read the environment in main.ts only; shared in the room that parses it, and where it starts programs. */
export const envIsReadOnce: Rule = (files) =>
  judge(
    files.filter((file) => /^(apps|shared|drizzle)\//.test(file.path) && !isTest(file)),
    (file) => {
      const allowed = /^apps\/[^/]+\/src\/main\.ts$|^shared\/env\.ts$/.test(file.path)
      return !allowed && /\bprocess\.env\b/.test(codeOf(file)) ? ['reads process.env; only main.ts does'] : []
    },
  )

/** No `any`, in no spelling; biome knows most of them, this one needs no configuration. */
export const noAny: Rule = (files) =>
  judge(files, (file) => (/[:<|&,(]\s*any\b(?!\s*[:(=.])|\bas any\b/.test(codeOf(file)) ? ['uses any'] : []))

/** Names of what nobody may guess byte by byte; `impressao` and tags are no secrets. */
const SECRET = '(?:\\w*(?:[sS]ecret|[sS]egredo|[sS]enha|[pP]assword|[aA]ssinatura|[sS]ignature|[hH]mac|[dD]igest)\\w*)'
const COMPARED = new RegExp(
  `\\b${SECRET}(?:\\.\\w+|\\([^()]*\\))*\\s*[!=]==?(?!=|\\s*(?:undefined|null|''))|[!=]==?\\s*(?:\\w+\\.)*${SECRET}\\b|\\b${SECRET}\\.(?:equals|compare|startsWith|includes|localeCompare)\\(|\\.(?:equals|compare)\\(\\s*${SECRET}`,
)

/** Secrets and signatures are compared by `timingSafeEqual` only: how long `===` takes tells how much of a guess was right. */
export const secretsAreComparedInConstantTime: Rule = (files) =>
  judge(
    files.filter((file) => /^(apps|shared)\//.test(file.path) && !isTest(file)),
    (file) => {
      const found = COMPARED.exec(codeOf(file))?.[0]
      return found === undefined ? [] : [`compares a secret by "${found.trim()}"; use timingSafeEqual`]
    },
  )

/** No file needs itself through others. Types count too: a circle of types is a circle of thoughts. */
export const noCycles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const cycles = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) cycles.add([...trail.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    const file = byPath.get(path)
    if (!file) return
    for (const { from } of importsOf(file)) if (byPath.has(from)) visit(from, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return { seen: files.length, violations: [...cycles] }
}
