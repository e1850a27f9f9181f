import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createServiceDatabase } from '@fluxo/tests/stage/databases'
import { afterAll, beforeAll, expect, test } from 'vitest'

const CHILD = new URL('../../test/hostile-lote.ts', import.meta.url).pathname

/** What is loaded takes some 30 MB, so a batch has some 64; a service has 256. The rest is as compose sets it. */
const HEAP = ['--max-old-space-size=96', '--max-semi-space-size=12', '--v8-pool-size=1']

/**
 * CPU of the main thread in one turn of the event loop. On a machine with nothing else to do 25 ms were measured at most; the first
 * four took 900 to 3,500 before they were read entry by entry. A busy machine needs more CPU for the same.
 */
const TURN_MS_MAX = 100

let database: Awaited<ReturnType<typeof createServiceDatabase>>
beforeAll(async () => {
  database = await createServiceDatabase('lancamentos', { particoes: 1 })
})
afterAll(() => database.drop())

test('no batch of 8 MiB, legal or not, holds the event loop, nor takes more than 64 MiB of heap', async () => {
  const child = spawn(process.execPath, [...HEAP, CHILD, database.appUrl], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [told, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect([code, errors]).toEqual([0, ''])
  const batches = told
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; status: number; codigo?: string; ms: number })
  expect(batches.map(({ name, status, codigo }) => [name, codigo ?? status])).toEqual(EXPECTED)
  expect(batches.filter(({ ms }) => ms > TURN_MS_MAX)).toEqual([])
}, 240_000)

const EXPECTED = [
  ['objects after two amounts', 'lote-grande-demais'],
  ['zeros', 'lote-grande-demais'],
  ['amounts', 'lote-grande-demais'],
  ['objects', 'lote-grande-demais'],
  ['one object of 540,000 keys', 'corpo-grande-demais'],
  ['one entry of one amount many times', 'corpo-grande-demais'],
  ['deep nesting', 'corpo-grande-demais'],
  ['an open string', 'corpo-grande-demais'],
  ['blanks', 'lote-vazio'],
  ['an object instead of a list', 'dados-invalidos'],
  ['entries of 64 KiB of keys', 200],
  ['entries of 64 KiB of zeros', 200],
  ['nested entries', 200],
  ['ten thousand wrong entries', 200],
  ['many wrong fields', 200],
  ['pieces of one byte', 'lote-grande-demais'],
  ['lines', 'lote-vazio'],
  ['ten thousand broken lines', 200],
  ['ten thousand entries', 200],
  ['the same again, atomic', 200],
  ['ten thousand others, atomic', 200],
  ['ten thousand lines', 200],
]
