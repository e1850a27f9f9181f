import { randomUUID } from 'node:crypto'
import { decimalFromCents } from '@fluxo/shared/money'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { streamKey } from '@fluxo/shared/stream/keys'
import { createPublisher } from '@fluxo/shared/stream/publisher'

export type LedgerFact = { comercianteId: string; data: string; valor: bigint }
type TestEvento = { posicao: number; envelope: Record<string, unknown>; fact: LedgerFact | undefined }

/** One event as the ledger writes it. */
const bodyOf = (epoca: string, posicao: number, { comercianteId, data, valor }: LedgerFact) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/lancamentos',
  type: 'lancamento.registrado.v1',
  subject: comercianteId,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  sequence: String(posicao).padStart(16, '0'),
  particao: 0,
  epoca,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: {
    id: randomUUID(),
    comerciante_id: comercianteId,
    tipo: valor > 0n ? 'CREDITO' : 'DEBITO',
    valor: decimalFromCents(valor < 0n ? -valor : valor),
    data,
  },
})

const sumsOf = (log: readonly TestEvento[]) => {
  const sums: Record<string, [creditos: bigint, debitos: bigint, quantidade: number]> = {}
  for (const { fact } of log) {
    if (fact === undefined) continue
    const chave = `${fact.comercianteId} ${fact.data}`
    const sum = sums[chave] ?? [0n, 0n, 0]
    if (fact.valor > 0n) sum[0] += fact.valor
    else sum[1] -= fact.valor
    sum[2] += 1
    sums[chave] = sum
  }
  return sums
}

/**
 * The ledger as its neighbours see it: a log with positions, a feed over HTTP semantics and a stream. Test tool; it keeps
 * the log in memory, so that a test can restore an older one, and knows the sums independently of the product.
 */
export function createTestLedger({ redis, prefix }: { redis: RedisConnections; prefix: string }) {
  let log: TestEvento[] = []
  let epoca: string = randomUUID()
  let away = false
  const absent = new Set<number>()
  let requests = 0
  const publisher = createPublisher({ redis: redis.commands, prefix })

  const entries = (after = 0) =>
    log
      .filter(({ posicao }) => posicao > after)
      .map(({ posicao, envelope }) => ({ posicao, body: JSON.stringify(envelope) }))

  return {
    get epoca() {
      return epoca
    },
    get ultima() {
      return log.at(-1)?.posicao ?? 0
    },
    get requests() {
      return requests
    },
    /** Adds entries to the log. With `change`, their events are damaged on the way. */
    registrar: (
      facts: readonly LedgerFact[],
      change?: (envelope: Record<string, unknown>) => Record<string, unknown>,
    ) => {
      for (const fact of facts) {
        const posicao = (log.at(-1)?.posicao ?? 0) + 1
        const envelope = bodyOf(epoca, posicao, fact)
        log.push({ posicao, envelope: change?.(envelope) ?? envelope, fact: change === undefined ? fact : undefined })
      }
      return log.at(-1)?.posicao ?? 0
    },
    /** A counter moved by hand: the next entry leaves a position out. */
    skipPosicao: () => {
      const posicao = (log.at(-1)?.posicao ?? 0) + 1
      log.push({ posicao, envelope: {}, fact: undefined })
      absent.add(posicao)
    },
    /** Puts what comes after `after` on the stream. */
    publish: async (after = 0) => {
      await publisher.publish(0, entries(after))
    },
    /** Puts any text on the stream. */
    publishText: (posicao: number, body: string) => publisher.publish(0, [{ posicao, body }]),
    envelope: (posicao: number) => JSON.stringify(log[posicao - 1]?.envelope),
    /** Loses the stream with everything in it. */
    loseStream: () => redis.commands.unlink(streamKey(prefix, 0)),
    /** A restored log: cut after `posicao`, by the procedure (another epoch, everywhere) or behind everybody's back. */
    restore: (posicao: number, { newEpoca = true } = {}) => {
      if (newEpoca) epoca = randomUUID()
      log = log.slice(0, posicao).map((evento) => ({ ...evento, envelope: { ...evento.envelope, epoca } }))
    },
    setAway: (isAway: boolean) => {
      away = isAway
    },
    fetch: (url: string): Response => {
      requests += 1
      if (away) return new Response(null, { status: 503 })
      const query = new URL(url).searchParams
      const after = Number(query.get('depois_de'))
      const eventos = log
        .filter(({ posicao }) => posicao > after && !absent.has(posicao))
        .slice(0, Number(query.get('limite')))
      const ultima = log.at(-1)?.posicao ?? 0
      return Response.json({ particao: 0, ultima, epoca, eventos: eventos.map(({ envelope }) => envelope) })
    },
    /** Sums by merchant and day, in cents: `loja 2025-10-15` → credits, debits, count. */
    sums: () => sumsOf(log),
  }
}

/** Entries of a few merchants and days, credits and debits. */
export const facts = (quantidade: number, sal = 0): LedgerFact[] =>
  Array.from({ length: quantidade }, (_, i) => ({
    comercianteId: `loja-${(i + sal) % 3}`,
    data: `2025-10-${String(1 + ((i + sal) % 5)).padStart(2, '0')}`,
    valor: BigInt((i + 1) * 101) * ((i + sal) % 4 === 0 ? -1n : 1n),
  }))
