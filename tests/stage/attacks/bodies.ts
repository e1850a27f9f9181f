import { type Attack, again, type Connections, many, overConnections, type Target } from './attack.ts'

const MIB = 1024 * 1024
const BATCH_BYTES = 8 * MIB
const JSON_TYPE = { 'content-type': 'application/json' }
const CSV_TYPE = { 'content-type': 'text/csv' }

/** Shapes of a legal size that cost most to parse, by name: the first ended the ledger's process once. */
export const COSTLY_BATCHES: Readonly<Record<string, () => string>> = {
  'empty objects after two with a valor': () => `[{"valor":0},{"valor":0},${'{},'.repeat(1_398_080)}0]`,
  zeros: () => `[${'0,'.repeat(4_194_000)}0]`,
  'objects with a zero valor': () => `[${'{"valor":0},'.repeat(690_000)}0]`,
  'one object with 540,000 keys': () => `[{${Array.from({ length: 540_000 }, (_, i) => `"k${i}":0`).join(',')}}]`,
  'arrays in arrays': () => `${'['.repeat(4_000_000)}${']'.repeat(4_000_000)}`,
  'one text of 8 MB': () => `["${'x'.repeat(8_000_000)}"]`,
}

/** Sends a whole body, and reads nothing of what is answered but its end. */
const send = (connections: Connections, url: string, body: Buffer | string) => {
  const headers = { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) }
  const { outgoing, answer } = connections.begin(url, { method: 'POST', headers })
  outgoing.end(body)
  return answer.then((incoming) => incoming?.resume())
}

const costlyBatches: Attack = {
  name: 'costly-batches',
  what: 'batches of 4 to 8 MB in every shape that is costly to parse, four at a time',
  begin: overConnections(async (connections, target) => {
    const bodies = Object.values(COSTLY_BATCHES).map((body) => Buffer.from(body()))
    let next = 0
    const one = (): Promise<unknown> => {
      next += 1
      return send(connections, `${target.url('lancamentos')}/lancamentos/lote`, bodies[next % bodies.length] ?? '')
    }
    return [again(100, one), again(100, one), again(100, one), again(100, one)]
  }),
}

const UNFINISHED = 60

const unfinishedBatches: Attack = {
  name: 'unfinished-batches',
  what: '60 batches that lack their last byte of 8 MiB, begun again as they are refused',
  begin: overConnections(async (connections, target) => {
    const body = Buffer.alloc(BATCH_BYTES - 1, ' ')
    const headers = { ...JSON_TYPE, 'content-length': BATCH_BYTES }
    const one = (): Promise<unknown> => {
      const url = `${target.url('lancamentos')}/lancamentos/lote`
      const { outgoing, answer } = connections.begin(url, { method: 'POST', headers })
      outgoing.write(body)
      return answer
    }
    return Array.from({ length: UNFINISHED }, () => again(500, one))
  }),
}

const SLOW_UPLOADS = 12
const BYTE_EACH_MS = 1_000

/** Uploads that send a byte now and then, at one of the imports. */
const slowUploads = (name: string, of: string, url: (target: Target) => string): Attack => ({
  name,
  what: `${SLOW_UPLOADS} imports of ${of} that send a byte a second, begun again as they are refused`,
  begin: overConnections(async (connections, target) => {
    const one = (): Promise<unknown> => {
      const { outgoing, answer } = connections.begin(url(target), { method: 'POST', headers: CSV_TYPE })
      const timer = setInterval(() => outgoing.write('x'), BYTE_EACH_MS)
      return answer.finally(() => clearInterval(timer))
    }
    return Array.from({ length: SLOW_UPLOADS }, () => again(200, one))
  }),
})

const UNREAD_FILES = 40
const ENTRIES = 10_000

const unreadFiles: Attack = {
  name: 'unread-files',
  what: `${UNREAD_FILES} files of ${ENTRIES} entries that are asked for and not read`,
  begin: overConnections(async (connections, target) => {
    const url = target.url('lancamentos')
    const lines = Array.from({ length: ENTRIES }, (_, i) => `2025-10-15,CREDITO,${i + 1}.00,${'a'.repeat(200)},a-${i}`)
    const headers = { ...CSV_TYPE }
    const { outgoing, answer } = connections.begin(`${url}/lancamentos/importacoes`, { method: 'POST', headers })
    outgoing.end(`data,tipo,valor,descricao,referencia\n${lines.join('\n')}\n`)
    ;(await answer)?.resume()
    const one = async (): Promise<void> => {
      const url = `${target.url('lancamentos')}/lancamentos`
      const { outgoing, answer, closed } = connections.begin(url, { headers: { accept: 'text/csv' } })
      outgoing.end()
      const incoming = await answer
      if (incoming?.statusCode === 200) incoming.pause()
      else incoming?.resume()
      await closed
    }
    return Array.from({ length: UNREAD_FILES }, () => again(500, one))
  }),
}

const WAITING_READS = 600

const waitingReads: Attack = {
  name: 'waiting-reads',
  what: `${WAITING_READS} reads that wait ten seconds for a position that is far ahead`,
  begin: overConnections(async (connections, target) => {
    const headers = { 'fluxo-posicao': '0:99999999', prefer: 'wait=10' }
    const one = async (): Promise<void> => {
      const { outgoing, answer } = connections.begin(`${target.url('consolidado')}/consolidado/2025-10-15`, { headers })
      outgoing.end()
      ;(await answer)?.resume()
    }
    return [await many(WAITING_READS, () => again(500, one))]
  }),
}

/** What is sent to the ledger and the balances. */
export const BODY_ATTACKS: readonly Attack[] = [
  costlyBatches,
  unfinishedBatches,
  slowUploads('slow-imports', 'entries', (target) => `${target.url('lancamentos')}/lancamentos/importacoes`),
  slowUploads('slow-order-imports', 'orders', (target) => `${target.url('entregas')}/orders/importacoes`),
  unreadFiles,
  waitingReads,
]
