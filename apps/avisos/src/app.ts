import { migrationsOf } from '@fluxo/drizzle/journal'
import { envBoolean, envDurationMs, envInteger, envList, envUrl } from '@fluxo/shared/env'
import { createAudience } from '@fluxo/shared/live/audience'
import { createStreamSlots } from '@fluxo/shared/live/slots'
import type { Sql } from '@fluxo/shared/postgres/sql'
import { defineService, type ServiceContext } from '@fluxo/shared/process/define-service'
import { needsPostgres } from '@fluxo/shared/process/open-service'
import { FOLLOW_ENV, type LogAddress, logAddress } from '@fluxo/shared/process/settings'
import { exportAvisoQueue } from './avisar/metrics.ts'
import { createWebhookPoster } from './avisar/poster.ts'
import { createWebhookSender, type SenderOptions } from './avisar/sender.ts'
import { createLotMaker } from './avisar-lancamentos/lot-maker.ts'
import { createDayTeller, DAY_EVERY_MS } from './avisar-saldos/day-teller.ts'
import { exportBooksLateness } from './avisar-saldos/metrics.ts'
import { createReadState } from './avisar-saldos/state-client.ts'
import { createWebhookRoutes } from './cadastrar/route.ts'
import { createWebhookStore, READ_SETTINGS } from './cadastrar/webhook-store.ts'
import { createEscutarRoutes, STREAM_SLOTS } from './escutar/route.ts'
import { createEscutarStore } from './escutar/store.ts'
import { LANCAMENTOS_STREAM, lancamentosGroup } from './logs/lancamentos.ts'
import { PEDIDOS, PEDIDOS_STREAM } from './logs/pedidos.ts'
import { createRetomarRoutes } from './retomar/route.ts'
import { createResumeStore } from './retomar/store.ts'

/**
 * A plan made while the tables were empty is kept: it must find what is due by its webhook and never read all of it, so it may
 * neither scan nor hash nor merge whole tables.
 */
const WRITE_SETTINGS = {
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan',
}
/** How late an event is told on a stream: it may have been noted by any instance, so all ask the database for who listens. */
const STREAM_POLL_MS = 250
const READS = { name: 'avisos leitura', max: 4, settings: READ_SETTINGS }

/** Lots and days, each one statement at a time. A queue is read by its index, in order, however long it is. */
export const TELLING_SETTINGS = { ...WRITE_SETTINGS, enable_bitmapscan: 'off' }
const TELLING = { name: 'avisos lotes', max: 2, settings: TELLING_SETTINGS }

type AvisosSettings = {
  pedidos: LogAddress
  /** The ledger, and who knows its balances; absent where nobody keeps books. */
  books?: Books | undefined
  /** Where webhooks may go, and how they are sent. */
  webhooks: SenderOptions
}

type Books = {
  lancamentos: LogAddress
  consolidado: Pick<LogAddress, 'baseUrl' | 'token' | 'fetch'>
}

/** The service `avisos`: follows the logs, notes what merchants want to hear of, and sends it. */
export const avisos = defineService({
  name: 'avisos',
  port: 3004,
  env: {
    ...FOLLOW_ENV,
    ENTREGAS_URL: envUrl('http', 'https').describe('where entregas answers, whose events are told'),
    ENTREGAS_PARTICOES: envInteger({ min: 1, max: 1024 }).default(1).describe('partitions of its log'),
    FEED_URL: envUrl('http', 'https').optional().describe('where the ledger answers, whose entries are told'),
    CONSOLIDADO_URL: envUrl('http', 'https')
      .optional()
      .describe('where the balances answer, which are told too; needed with FEED_URL'),
    AVISOS_LOOPBACK: envBoolean()
      .default(false)
      .describe('whether webhooks may go to this machine, over plain HTTP too: for development only'),
    AVISOS_ESPERAS: envList(envDurationMs())
      .optional()
      .describe('the wait before each attempt of a webhook, by commas; 0,30s,5m,30m,2h,8h,24h without'),
  },
  settings: (env): AvisosSettings => ({
    pedidos: logAddress(env, `${env.ENTREGAS_URL}/entregas`, env.ENTREGAS_PARTICOES),
    books: booksOf(env),
    webhooks: { allowsLoopback: env.AVISOS_LOOPBACK, waitsMs: env.AVISOS_ESPERAS },
  }),
  /** Noting, taking, what came of it, repair beside them, and what Prometheus asks. */
  pool: { name: 'avisos', max: 4, settings: WRITE_SETTINGS },
  migrations: migrationsOf('avisos'),
  open: (ctx) => {
    const { sql, registry } = ctx
    const { pedidos, books, webhooks: options } = ctx.settings
    const readPool = ctx.pool(READS)
    const poster = createWebhookPoster(options)
    const sender = createWebhookSender({ ...ctx, ...options, poster })
    exportAvisoQueue(registry, sql)
    const follower = ctx.follow(
      {
        ...PEDIDOS,
        log: ctx.logAt('pedidos', PEDIDOS_STREAM, pedidos),
        committed: ({ applied }) => (applied > 0 ? sender.wake() : undefined),
      },
      { sql, lease: { name: 'reparo avisos' } },
    )
    const ledger = books && openLedger(ctx, books, sender.wake)
    const webhooks = createWebhookStore({ sql, readPool })
    const parts = { ...ctx, webhooks, alvo: options, onDue: sender.wake }
    const live = openLive(ctx, readPool)
    return {
      checks: [needsPostgres('avisos', sql, readPool)],
      followers: [follower, ...(ledger?.followers ?? [])],
      routes: [
        createWebhookRoutes(parts),
        createRetomarRoutes({ ...parts, resumes: createResumeStore(sql) }),
        live.routes,
      ],
      workers: [...(ledger?.workers ?? []), { ...sender, close: poster.close }, live.worker],
    }
  },
})

type BooksEnv = Parameters<typeof logAddress>[0] & {
  FEED_URL?: string | undefined
  CONSOLIDADO_URL?: string | undefined
  PARTICOES?: number | undefined
}

function booksOf(env: BooksEnv): Books | undefined {
  const { FEED_URL: ledger, CONSOLIDADO_URL: balances, PARTICOES: particoes = 1 } = env
  if (ledger === undefined && balances === undefined) return undefined
  if (ledger === undefined || balances === undefined) throw new Error('FEED_URL and CONSOLIDADO_URL go together')
  return { lancamentos: logAddress(env, ledger, particoes), consolidado: logAddress(env, balances, particoes) }
}

/** The ledger: its entries are told by the lot, and the days that they change with their balance. */
function openLedger(ctx: ServiceContext<AvisosSettings>, books: Books, onDue: () => void) {
  const { lancamentos, consolidado } = books
  const { log } = ctx
  const sql = ctx.pool(TELLING)
  const follower = ctx.follow(
    { ...lancamentosGroup(DAY_EVERY_MS), log: ctx.logAt('eventos', LANCAMENTOS_STREAM, lancamentos) },
    { sql: ctx.sql, lease: { name: 'reparo avisos lancamentos', number: 1 } },
  )
  const readState = createReadState(consolidado)
  exportBooksLateness(ctx.registry, ctx.sql)
  return {
    followers: [follower],
    workers: [
      createLotMaker({ sql, onDue, log }),
      createDayTeller({ sql, readState, everyMs: DAY_EVERY_MS, onDue, log }),
    ],
  }
}

/** The streams of all that happens to a merchant. */
function openLive(ctx: ServiceContext<AvisosSettings>, readPool: Sql) {
  const source = createEscutarStore({ ...ctx, readPool })
  const audience = createAudience({ ...ctx, source, metric: 'fluxo_avisos_ouvintes', compareMs: STREAM_POLL_MS })
  const slots = createStreamSlots(STREAM_SLOTS)
  return {
    routes: createEscutarRoutes({ ...ctx, audience, slots, escutar: source }),
    worker: { start: audience.start, leave: audience.close, stop: audience.close },
  }
}
