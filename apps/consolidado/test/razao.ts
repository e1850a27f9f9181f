import { randomUUID } from 'node:crypto'
import { decimalFromCents } from '@fluxo/shared/money'
import type { RedisConnections } from '@fluxo/shared/redis/connection'
import { streamKey } from '@fluxo/shared/stream/keys'
import { createPublisher } from '@fluxo/shared/stream/publisher'

export type Fato = { comercianteId: string; data: string; valor: bigint }
type Evento = { posicao: number; corpo: Record<string, unknown>; fato: Fato | undefined }

/** One event as the ledger writes it. */
const corpoDe = (epoca: string, posicao: number, { comercianteId, data, valor }: Fato) => ({
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

const somasDe = (log: readonly Evento[]) => {
  const somas: Record<string, [creditos: bigint, debitos: bigint, quantidade: number]> = {}
  for (const { fato } of log) {
    if (fato === undefined) continue
    const chave = `${fato.comercianteId} ${fato.data}`
    const soma = somas[chave] ?? [0n, 0n, 0]
    if (fato.valor > 0n) soma[0] += fato.valor
    else soma[1] -= fato.valor
    soma[2] += 1
    somas[chave] = soma
  }
  return somas
}

/**
 * The ledger as its neighbours see it: a log with positions, a feed over HTTP semantics and a stream. Test tool; it keeps
 * the log in memory, so that a test can restore an older one, and knows the sums independently of the product.
 */
export function createRazao({ redis, prefix }: { redis: RedisConnections; prefix: string }) {
  let log: Evento[] = []
  let epoca: string = randomUUID()
  let fora = false
  const ausentes = new Set<number>()
  let pedidos = 0
  const publisher = createPublisher({ redis: redis.commands, prefix })

  const entradas = (depoisDe = 0) =>
    log
      .filter(({ posicao }) => posicao > depoisDe)
      .map(({ posicao, corpo }) => ({ posicao, body: JSON.stringify(corpo) }))

  return {
    get epoca() {
      return epoca
    },
    get ultima() {
      return log.at(-1)?.posicao ?? 0
    },
    get pedidos() {
      return pedidos
    },
    /** Adds entries to the log. With `mudar`, their events are damaged on the way. */
    registrar: (fatos: readonly Fato[], mudar?: (corpo: Record<string, unknown>) => Record<string, unknown>) => {
      for (const fato of fatos) {
        const posicao = (log.at(-1)?.posicao ?? 0) + 1
        const corpo = corpoDe(epoca, posicao, fato)
        log.push({ posicao, corpo: mudar?.(corpo) ?? corpo, fato: mudar === undefined ? fato : undefined })
      }
      return log.at(-1)?.posicao ?? 0
    },
    /** A counter moved by hand: the next entry leaves a position out. */
    pularPosicao: () => {
      const posicao = (log.at(-1)?.posicao ?? 0) + 1
      log.push({ posicao, corpo: {}, fato: undefined })
      ausentes.add(posicao)
    },
    /** Puts what comes after `depoisDe` on the stream. */
    publicar: async (depoisDe = 0) => {
      await publisher.publish(0, entradas(depoisDe))
    },
    /** Puts any text on the stream. */
    publicarTexto: (posicao: number, body: string) => publisher.publish(0, [{ posicao, body }]),
    corpo: (posicao: number) => JSON.stringify(log[posicao - 1]?.corpo),
    /** Loses the stream with everything in it. */
    perderStream: () => redis.commands.unlink(streamKey(prefix, 0)),
    /** A restored log: cut after `posicao`, by the procedure (another epoch, everywhere) or behind everybody's back. */
    restaurar: (posicao: number, { novaEpoca = true } = {}) => {
      if (novaEpoca) epoca = randomUUID()
      log = log.slice(0, posicao).map((evento) => ({ ...evento, corpo: { ...evento.corpo, epoca } }))
    },
    sair: (quanto: boolean) => {
      fora = quanto
    },
    fetch: (url: string): Response => {
      pedidos += 1
      if (fora) return new Response(null, { status: 503 })
      const query = new URL(url).searchParams
      const depoisDe = Number(query.get('depois_de'))
      const eventos = log
        .filter(({ posicao }) => posicao > depoisDe && !ausentes.has(posicao))
        .slice(0, Number(query.get('limite')))
      const ultima = log.at(-1)?.posicao ?? 0
      return Response.json({ particao: 0, ultima, epoca, eventos: eventos.map(({ corpo }) => corpo) })
    },
    /** Sums by merchant and day, in cents: `loja 2025-10-15` → credits, debits, count. */
    somas: () => somasDe(log),
  }
}

/** Entries of a few merchants and days, credits and debits. */
export const fatos = (quantidade: number, sal = 0): Fato[] =>
  Array.from({ length: quantidade }, (_, i) => ({
    comercianteId: `loja-${(i + sal) % 3}`,
    data: `2025-10-${String(1 + ((i + sal) % 5)).padStart(2, '0')}`,
    valor: BigInt((i + 1) * 101) * ((i + sal) % 4 === 0 ? -1n : 1n),
  }))
