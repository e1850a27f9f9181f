import { COSTLY_BATCHES } from '../stage/attacks/bodies.ts'
import { isOfServices, type Operation } from '../stage/openapi-document.ts'
import { createRandom, type Random } from '../stage/random.ts'
import { CASE_CLASSES, type Case, type CaseClass, type Request, type Surroundings } from './case.ts'
import { HOSTILE_TEXTS, INVALID_UTF8, JSON_BOMBS } from './hostile.ts'
import { rawCase } from './raw-cases.ts'
import { hostileText, jsonOf, mutationOf, plainText } from './values.ts'

/** Classes that cost a server, or the test, much more than the others are drawn less often. */
const SELDOM: Partial<Record<CaseClass, number>> = {
  heavy: 0.02,
  'many-headers': 0.1,
  slow: 0.1,
  'json-bomb': 0.4,
  long: 0.5,
}
const LATER_CLASSES: ReadonlySet<CaseClass> = new Set([
  'headers',
  'many-headers',
  'slow',
  'pipelined',
  'smuggled',
  'noise',
])
/** Bodies of 4 to 8 MB, of a legal size for a batch, in the shapes that cost most to parse. */
const HEAVY = Object.values(COSTLY_BATCHES)
const TEXTS = new Set<string>(Object.keys(HOSTILE_TEXTS))

export const bytesOf = ({ method, target, headers, body }: Request): Buffer => {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
  const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}${length}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)])
}

/** A text as a header or an address carries it: its UTF-8 bytes. */
const raw = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const escaped = (text: string): string => encodeURIComponent(text.toWellFormed())

type TextClass = keyof typeof HOSTILE_TEXTS

/** Makes the case of this number: the same for the same seed and surroundings. */
export const caseOf = (seed: number, number: number, around: Surroundings): Case => {
  const random = createRandom(seed, `case ${number}`)
  let chosen = random.pick(CASE_CLASSES)
  while (!random.chance(SELDOM[chosen] ?? 1)) chosen = random.pick(CASE_CLASSES)
  const operation = random.pick(around.operations)
  if (LATER_CLASSES.has(chosen)) {
    const valid = requestOf(operation, 'valid', random, around)
    return { number, class: chosen, operation, ...rawCase(chosen, valid, random) }
  }
  const request = requestOf(operation, chosen, random, around)
  const beside = chosen === 'address' ? [404, 405, 414] : pathBeside(operation, chosen)
  // What refuses megabytes by their declared length reads on for half a second; who sends longer may lose the answer (RFC 9112, 9.6).
  const mayBeCut = chosen === 'heavy'
  return { number, class: chosen, operation, pieces: [bytesOf(request)], beside, answersMax: 1, mayBeCut }
}

/** A hostile text within the path may make it another path, or none. */
const pathBeside = ({ path }: Operation, chosen: CaseClass): readonly number[] => {
  if (chosen === 'long') return [404, 405, 413, 414, 431]
  return path.includes('{') ? [400, 404, 405] : []
}

const requestOf = (operation: Operation, chosen: CaseClass, random: Random, around: Surroundings): Request => {
  const inBody = Object.keys(operation.bodies).length > 0 && random.chance(0.6)
  const text = TEXTS.has(chosen) ? (chosen as TextClass) : undefined
  const body = bodyOf(operation, chosen, inBody ? text : undefined, random, around)
  const headers: [string, string][] = [['Authorization', tokenOf(operation, chosen, random, around)]]
  if (body) headers.push(['Content-Type', chosen === 'media-type' ? mediaType(random) : body.type])
  const query: string[] = []
  let path = operation.path
  const wanted = operation.parameters.filter((parameter) => parameter.in === 'path' || random.chance(0.5))
  const hit = inBody || wanted.length === 0 ? undefined : random.pick(wanted)
  for (const parameter of wanted) {
    const hostile = parameter === hit && text !== undefined
    const value = hostile ? hostileText(random, text) : parameterOf(parameter, random, around)
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, () => escaped(value))
    else if (parameter.in === 'query') query.push(`${parameter.name}=${escaped(value)}`)
    else if (!/[\r\n\0]/.test(value)) headers.push([parameter.name, raw(value)])
  }
  if (text !== undefined && random.chance(0.2)) query.push(`${escaped(hostileText(random, text))}=1`)
  const target = query.length > 0 ? `${path}?${query.join('&')}` : path
  return {
    method: operation.method,
    target: chosen === 'address' ? addressOf(target, random) : target,
    headers,
    body: body?.bytes,
  }
}

const parameterOf = (parameter: Operation['parameters'][number], random: Random, around: Surroundings): string => {
  if (parameter.name === 'cursor') return around.cursor
  const known = around.known?.[parameter.name]
  if (known !== undefined && random.chance(0.8)) return random.pick(known)
  if (parameter.name === 'Fluxo-Posicao') return `0:${random.int(1, 20)}`
  if (parameter.name === 'Prefer') return 'wait=1'
  return plainText(parameter.schema, random, around.ids)
}

/** The header of a file and what follows, with a cell in which anything may stand. */
const entriesFile = (cell: string): string =>
  `data,tipo,valor,descricao,referencia\n2025-10-15,CREDITO,1.00,"${cell}",\n2025-10-16,DEBITO,2.50,Compra,\n`
const ordersFile = (cell: string): string => `customer_name,address,valor\n"${cell}",Rua A,1.00\nAna,"Rua B, 2",\n`

const bodyOf = (
  { bodies, service }: Operation,
  chosen: CaseClass,
  text: TextClass | undefined,
  random: Random,
  { ids }: Surroundings,
): { type: string; bytes: Buffer } | undefined => {
  const documented = Object.entries(bodies)
  if (documented.length === 0) return undefined
  const [type, schema] = random.pick(documented)
  if (chosen === 'heavy') return { type, bytes: Buffer.from(random.pick(HEAVY)()) }
  if (chosen === 'json-bomb') return { type, bytes: random.pick(JSON_BOMBS)() }
  if (type === 'text/csv' || type === 'multipart/form-data') {
    const cell = text === undefined ? 'Venda' : hostileText(random, text)
    const csv = Buffer.from(service === 'entregas' ? ordersFile(cell) : entriesFile(cell))
    const bytes = chosen === 'invalid-utf8' ? Buffer.concat([csv, random.pick(INVALID_UTF8)]) : csv
    return type === 'text/csv' ? { type, bytes } : formOf(bytes)
  }
  const kind = chosen === 'huge-number' ? 'number' : chosen === 'near-valid' ? 'near' : text
  const mutation = kind === undefined ? ({ kind: 'none' } as const) : mutationOf(random, kind)
  const source = jsonOf(schema, random, ids, mutation)
  if (chosen !== 'invalid-utf8') return { type, bytes: Buffer.from(source) }
  const at = random.int(0, source.length - 1)
  return {
    type,
    bytes: Buffer.concat([Buffer.from(source.slice(0, at)), random.pick(INVALID_UTF8), Buffer.from(source.slice(at))]),
  }
}

const formOf = (file: Buffer): { type: string; bytes: Buffer } => {
  const head =
    '--limite\r\nContent-Disposition: form-data; name="arquivo"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
  return {
    type: 'multipart/form-data; boundary=limite',
    bytes: Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--limite--\r\n')]),
  }
}

const tokenOf = ({ path }: Operation, chosen: CaseClass, random: Random, { tokens }: Surroundings): string => {
  const ofServices = isOfServices(path)
  const good = ofServices ? tokens.service : tokens.merchant
  if (chosen !== 'token') return good
  const [head, payload, signature] = good.replace('Bearer ', '').split('.')
  return random.pick([
    '',
    'Bearer',
    'Bearer  ',
    'Basic dXNlcjpwYXNz',
    `bearer ${good}`,
    `Bearer ${head}.${payload}.`,
    `Bearer ${head}.${payload}.${signature?.slice(0, -2)}xx`,
    `Bearer eyJhbGciOiJub25lIn0.${payload}.`,
    `Bearer ${'x'.repeat(5_000)}`,
    `Bearer ${'a.'.repeat(1_000)}`,
    'Bearer e30.e30.e30',
    `Bearer ${raw('ção.ção.ção')}`,
    ofServices ? tokens.merchant : tokens.service,
    `${good}, ${tokens.other}`,
  ])
}

const mediaType = (random: Random): string =>
  random.pick([
    'text/plain',
    'application/xml',
    'application/json; charset=utf-16',
    'application/json;;;',
    'multipart/form-data',
    'application/jsonx',
    '*/*',
    'application/JSON ; Charset="UTF-8"',
    'text/csv; charset=ebcdic',
    '',
  ])

const addressOf = (target: string, random: Random): string =>
  random.pick([
    `/${target}`,
    `${target}/`,
    target.replace('/', '/./'),
    `/x/..${target}`,
    `${target}%00`,
    `${target}%`,
    `${target}%zz`,
    `${target}%ff%fe`,
    `${target}#a`,
    `http://localhost${target}`,
    `http://outro.example${target}`,
    `${target}${target.includes('?') ? '&' : '?'}${'a=1&'.repeat(200)}`,
    `${target}${target.includes('?') ? '&' : '?'}__proto__[a]=1&constructor=2`,
    target.toUpperCase(),
    raw(`${target}/ção`),
    `${target};a=1`,
    '*',
    `/${'a/'.repeat(2_000)}`,
    `/${'%2e%2e/'.repeat(50)}metrics`,
  ])
