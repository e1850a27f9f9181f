import { createFeedPage, createReadPage, readHead } from '@fluxo/shared/log/pages'
import { createRelay } from '@fluxo/shared/log/relay'
import { LOCKS } from '@fluxo/shared/postgres/locks'
import type { Transactions } from '@fluxo/shared/postgres/transactions'
import { createJanitor } from '@fluxo/shared/stream/janitor'
import { createPublisher } from '@fluxo/shared/stream/publisher'
import { CONSOLIDADO_GROUP } from '../../../apps/consolidado/src/projetar/names.ts'
import { LANCAMENTO_REGISTRADO, STREAM_PREFIX } from '../../../apps/lancamentos/src/domain/evento.ts'
import { LEDGER, type LedgerRow } from '../../../apps/lancamentos/src/registrar/ledger-table.ts'
import { createLancamentoStore, type LancamentoStore } from '../../../apps/lancamentos/src/registrar/store.ts'
import type { Process } from '../process.ts'
import { createSimulatedLease, createSimulatedSql } from '../servers/postgres-client.ts'
import { createSimulatedRedis, type SimulatedRedis } from '../servers/redis-client.ts'
import { SILENT } from '../silent.ts'
import { poisonOf } from './poison.ts'
import type { Servers } from './servers.ts'

/** One instance of the write side: the product's own parts over simulated servers. */
export type Lancamentos = {
  readonly process: Process
  readonly redis: SimulatedRedis
  registrar: LancamentoStore['registrar']
  /** A page of the feed as JSON text. */
  feed: (particao: number, after: number, limit: number) => Promise<string>
  cutDatabase: () => void
  /** Leaves in order, as at SIGTERM. */
  stop: () => Promise<void>
}

export const relayLease = (particao: number): string => `${LOCKS.relay},${particao}`
/** Consumers are held for dead sooner than their entries are taken over: only what they have pending keeps them. */
const JANITOR = { everyMs: 400, deadConsumerIdleMs: 300 }
/** The lanes of a relay in this world: pages of a few entries, so that a history has many. */
const PAGE_ROWS_MAX = 5
const POLL_MS = 150

/** Some entries become events of a version that the reader does not know. */
const TABLE = {
  ...LEDGER,
  fact: (row: LedgerRow) => {
    const fact = LEDGER.fact(row)
    return poisonOf(row.valor) === 'evento' ? { ...fact, type: LANCAMENTO_REGISTRADO.replace('.v1', '.v2') } : fact
  },
}

/** Nobody asks for a batch here. */
const NO_TRANSACTIONS: Transactions = {
  run: () => Promise.reject(new Error('the simulation has no transactions')),
  close: async () => {},
}

/** Starts an instance of `lancamentos`. */
export function startLancamentos(
  { wire, lancamentos, redisServer, particoes, seams, registry }: Servers,
  process: Process,
): Lancamentos {
  const { clock } = process
  const redis = createSimulatedRedis({ wire, server: redisServer, process, habits: seams })
  const { sql, cut } = createSimulatedSql({ wire, server: lancamentos, process })
  const own = createReadPage(sql, TABLE)
  const readPage = seams.readPage?.(own, sql) ?? own
  const relay = createRelay({
    name: 'lancamentos',
    sql,
    particoes,
    readPage,
    publisher: createPublisher({ redis: redis.commands, prefix: STREAM_PREFIX }),
    lease: (particao) =>
      createSimulatedLease({
        wire,
        server: lancamentos,
        process,
        key: [LOCKS.relay, particao],
        name: `relay ${particao}`,
        log: SILENT,
      }),
    log: SILENT,
    registry,
    pageRowsMax: PAGE_ROWS_MAX,
    pollMs: POLL_MS,
    clock,
  })
  const store = createLancamentoStore({ sql, transactions: NO_TRANSACTIONS, particoes, onCommit: relay.wake, clock })
  const janitor = createJanitor({
    ...JANITOR,
    redis: redis.commands,
    prefix: STREAM_PREFIX,
    particoes,
    groups: [CONSOLIDADO_GROUP],
    log: SILENT,
    registry,
    clock,
  })
  relay.start()
  janitor.start()
  return {
    process,
    redis,
    registrar: seams.registrar?.(store.registrar) ?? store.registrar,
    feed: createFeedPage({ readPage: own, readHead: (particao) => readHead(sql, particao) }),
    cutDatabase: cut,
    stop: async () => {
      await janitor.stop()
      await store.idle()
      await relay.stop()
      await redis.close()
    },
  }
}
