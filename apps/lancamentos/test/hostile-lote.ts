/**
 * Sends batches to the ledger's route, all in this process, and tells of each its answer and how long it kept the event loop: the CPU
 * that the main thread used in one turn of the loop, at most. Time in which the machine did something else does not count.
 *
 * `node lote-hostil.ts <url of a ledger>`; one JSON line for each batch.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createHttpApp } from '@fluxo/shared/http/app'
import { closeSql, createSql } from '@fluxo/shared/postgres/sql'
import { createTransactions } from '@fluxo/shared/postgres/transactions'
import { createLogger } from '@fluxo/shared/telemetry/logger'
import { Registry } from 'prom-client'
import { v7 } from 'uuid'
import { createLoteRoutes } from '../src/lote/route.ts'
import { createLancamentoStore } from '../src/registrar/store.ts'

const BYTES = 8 * 1024 * 1024
const PIECE_BYTES = 64 * 1024
const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'

const repeated = (text: string, bytes = BYTES - 64): string => text.repeat(Math.floor(bytes / text.length))

/** An entry of some 800 bytes, as large as ten thousand of them may be. */
const entry = (n: number): string => {
  const fields = { valor: n + 0.5, tipo: 'CREDITO', data: '2025-10-15', referencia: `${'é'.repeat(120)}-${n}` }
  return JSON.stringify({ ...fields, descricao: `${'€'.repeat(80)}${'x'.repeat(150)}` })
}
const entries = (make: (n: number) => string, count = 10_000): string[] =>
  Array.from({ length: count }, (_, n) => make(n))
const keys = (count: number): string => `{${entries((n) => `"k${n}":0`, count).join(',')}}`

type Batch = { name: string; body: () => string; type?: string; query?: string; pieceBytes?: number }
const BATCHES: readonly Batch[] = [
  { name: 'objects after two amounts', body: () => `[{"valor":0},{"valor":0},${repeated('{},')}0]` },
  { name: 'zeros', body: () => `[${repeated('0,')}0]` },
  { name: 'amounts', body: () => `[${repeated('{"valor":0},')}0]` },
  { name: 'objects', body: () => `[${repeated('{},')}0]` },
  { name: 'one object of 540,000 keys', body: () => `[${keys(540_000)}]` },
  { name: 'one entry of one amount many times', body: () => `[{${repeated('"valor":0,')}"valor":0}]` },
  { name: 'deep nesting', body: () => `[${'['.repeat(4_000_000)}${']'.repeat(4_000_000)}]` },
  { name: 'an open string', body: () => `["${repeated('\\"')}` },
  { name: 'blanks', body: () => `${repeated(' ')}[]` },
  { name: 'an object instead of a list', body: () => keys(540_000) },
  { name: 'entries of 64 KiB of keys', body: () => `[${entries(() => keys(6_000), 120).join(',')}]` },
  {
    name: 'entries of 64 KiB of zeros',
    body: () => `[${entries(() => `{"valor":0,"x":["valor"${',0'.repeat(32_000)}]}`, 125).join(',')}]`,
  },
  { name: 'nested entries', body: () => `[${entries(() => '['.repeat(400) + ']'.repeat(400)).join(',')}]` },
  { name: 'ten thousand wrong entries', body: () => `[${entries(() => '{}').join(',')}]` },
  { name: 'many wrong fields', body: () => `[${entries(() => keys(70)).join(',')}]` },
  { name: 'pieces of one byte', body: () => `[${repeated('0,', 512 * 1024)}0]`, pieceBytes: 1 },
  { name: 'lines', body: () => repeated('\n'), type: NDJSON_TYPE },
  { name: 'ten thousand broken lines', body: () => entries(() => '{'.repeat(800)).join('\n'), type: NDJSON_TYPE },
  { name: 'ten thousand entries', body: () => `[${entries(entry).join(',')}]` },
  { name: 'the same again, atomic', body: () => `[${entries(entry).join(',')}]`, query: '?atomico=true' },
  {
    name: 'ten thousand others, atomic',
    body: () => `[${entries((n) => entry(n + 20_000)).join(',')}]`,
    query: '?atomico=true',
  },
  { name: 'ten thousand lines', body: () => entries((n) => entry(n + 40_000)).join('\n'), type: NDJSON_TYPE },
]

const [url = ''] = process.argv.slice(2)
const sql = createSql({ url, max: 6, name: 'lote hostil' })
const transactions = createTransactions({ url, max: 2, name: 'lote hostil' })
const nothing = async (): Promise<void> => {}
const app = createHttpApp({
  modules: [
    {
      name: 'lancamentos',
      routes: createLoteRoutes({
        store: createLancamentoStore({ sql, transactions, particoes: 1, onCommit: () => {} }),
        verifier: {
          verify: () => ({
            comercianteId: 'loja',
            scopes: new Set(['lancamentos:escrever']),
            exp: Number.MAX_SAFE_INTEGER,
          }),
        },
        newId: () => v7(),
        now: () => new Date(),
      }),
      checks: [],
      start: nothing,
      drain: nothing,
      close: nothing,
    },
  ],
  registry: new Registry(),
  log: createLogger({ service: 'teste', level: 'silent' }),
  leaving: () => false,
  started: () => true,
})

/** Longest turn of the event loop in milliseconds of CPU since `watch` was called. */
function watch() {
  let longestMs = 0
  let last = process.threadCpuUsage()
  let watching = true
  const turn = (): void => {
    const now = process.threadCpuUsage()
    longestMs = Math.max(longestMs, (now.user + now.system - last.user - last.system) / 1_000)
    last = now
    if (watching) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    turn()
    watching = false
    return longestMs
  }
}

/** Pieces that one read of a socket may bring. */
const PIECES_OF_A_READ = 1_000

/** The body in the pieces in which a socket would give it. */
const inPieces = (bytes: Buffer, pieceBytes: number) => {
  let pieces = 0
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const from = pieces * pieceBytes
      if (from >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(from, from + pieceBytes))
      pieces += 1
      if (pieces % PIECES_OF_A_READ === 0) await nextTurn()
    },
  })
}

const send = async ({
  body,
  type = JSON_TYPE,
  query = '',
  pieceBytes = PIECE_BYTES,
}: Batch): Promise<{ status: number; codigo: unknown; ms: number }> => {
  const bytes = Buffer.from(body())
  const longest = watch()
  const headers = { authorization: 'Bearer x', 'content-type': type, 'content-length': String(bytes.length) }
  const init = { method: 'POST', headers, body: inPieces(bytes, pieceBytes), duplex: 'half' as const }
  const answer = await app.request(`/lancamentos/lote${query}`, init)
  const text = await answer.text()
  const ms = longest()
  return { status: answer.status, codigo: answer.ok ? undefined : JSON.parse(text).codigo, ms }
}

const told = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

// The first one pays for what is compiled and connected.
for (const query of ['', '?atomico=true'])
  await send({ name: 'warm-up', body: () => `[${entries(entry, 500).join(',')}]`, query })
for (const batch of BATCHES) told({ name: batch.name, ...(await send(batch)) })
await Promise.all([closeSql(sql), transactions.close()])
process.exit()
