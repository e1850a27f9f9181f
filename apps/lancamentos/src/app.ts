import { migrationsOf } from '@fluxo/drizzle/journal'
import { envInteger, envUrl } from '@fluxo/shared/env'
import { createReadPage } from '@fluxo/shared/log/pages'
import { defineService } from '@fluxo/shared/process/define-service'
import { needsPostgres } from '@fluxo/shared/process/open-service'
import { FOLLOW_ENV, type LogAddress, logAddress } from '@fluxo/shared/process/settings'
import { STREAM_PREFIX } from './domain/evento.ts'
import { createEstornarRoutes } from './estornar/route.ts'
import { createImportarRoutes } from './importar/route.ts'
import { entregasGroup, STREAM_DOS_PEDIDOS } from './lancar-entregas/group.ts'
import { createListarRoutes } from './listar/route.ts'
import { createLancamentoReadStore, READ_SETTINGS } from './listar/store.ts'
import { createLoteRoutes } from './lote/route.ts'
import { LEDGER } from './registrar/ledger-table.ts'
import { createRegistrarRoutes } from './registrar/route.ts'
import { createLancamentoStore } from './registrar/store.ts'

/**
 * The write pool never wants a sequential scan: a plan made while the ledger was empty would be kept and read all of it
 * for every row later.
 */
const WRITE_SETTINGS = { enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan' }
/** One group commit in the air for each partition, batches and imports beside them; PostgreSQL serialises them by the counter anyway. */
const WRITES = { name: 'lancamentos', max: 6, settings: WRITE_SETTINGS }
const READS = { name: 'lancamentos leitura', max: 4, settings: READ_SETTINGS }
const TRANSACTIONS = { name: 'lancamentos lote', max: 2, settings: WRITE_SETTINGS }

type LancamentosSettings = {
  /** Where orders are delivered, whose money becomes entries; absent where nobody delivers. */
  pedidos?: LogAddress | undefined
}

/** The service `lancamentos`: the ledger, its relay to Redis, and its feed. */
export const lancamentos = defineService({
  name: 'lancamentos',
  port: 3001,
  env: {
    ...FOLLOW_ENV,
    ENTREGAS_URL: envUrl('http', 'https')
      .optional()
      .describe('where entregas answers, whose paid deliveries become entries; none without'),
    ENTREGAS_PARTICOES: envInteger({ min: 1, max: 1024 }).default(1).describe('partitions of its log'),
  },
  settings: (env): LancamentosSettings => ({
    pedidos:
      env.ENTREGAS_URL === undefined
        ? undefined
        : logAddress(env, `${env.ENTREGAS_URL}/entregas`, env.ENTREGAS_PARTICOES),
  }),
  /** The relay's loops, the feed's pages, and what Prometheus asks. */
  pool: { name: 'lancamentos log', max: 3 },
  migrations: migrationsOf('lancamentos'),
  log: {
    name: 'lancamentos',
    streamPrefix: STREAM_PREFIX,
    readPage: (sql) => createReadPage(sql, LEDGER),
    relay: 'relay',
    feed: { path: '/eventos', operationId: 'listarEventosDosLancamentos' },
    readers: ['consolidado', 'avisos'],
    commits: { metric: 'fluxo_group_commit', what: 'Entries' },
  },
  open: (ctx, log) => {
    const { particoes, commits } = log
    const { pedidos } = ctx.settings
    const sql = ctx.pool(WRITES)
    const reads = ctx.pool(READS)
    const transactions = ctx.transactions(TRANSACTIONS)
    const store = log.writes(createLancamentoStore({ sql, transactions, particoes, ...commits }))
    const parts = { ...ctx, store, leitura: createLancamentoReadStore(reads) }
    const orders = pedidos && { log: ctx.logAt('pedidos', STREAM_DOS_PEDIDOS, pedidos), ...entregasGroup(parts) }
    return {
      checks: [needsPostgres('lancamentos', ctx.sql, reads)],
      followers: orders ? [ctx.follow(orders, { sql, lease: { name: 'reparo pedidos' } })] : [],
      routes: [
        createRegistrarRoutes(parts),
        createLoteRoutes(parts),
        createImportarRoutes(parts),
        createListarRoutes(parts),
        createEstornarRoutes(parts),
      ],
      workers: [],
    }
  },
})
