import { migrationsOf } from '@fluxo/drizzle/journal'
import { envBoolean, envDurationMs, envInteger, envList, envUrl } from '@fluxo/shared/env'
import { defineService } from '@fluxo/shared/process/define-service'
import { needsPostgres } from '@fluxo/shared/process/open-service'
import { FOLLOW_ENV, type LogAddress, logAddress } from '@fluxo/shared/process/settings'
import { exportAvisoQueue } from './avisar/metrics.ts'
import { createWebhookPoster } from './avisar/poster.ts'
import { createWebhookSender, type SenderOptions } from './avisar/sender.ts'
import { createWebhookRoutes } from './cadastrar/route.ts'
import { createWebhookStore, READ_SETTINGS } from './cadastrar/webhook-store.ts'
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
const READS = { name: 'avisos leitura', max: 4, settings: READ_SETTINGS }

type AvisosSettings = {
  pedidos: LogAddress
  /** Where webhooks may go, and how they are sent. */
  webhooks: SenderOptions
}

/** The service `avisos`: follows the logs, notes what merchants want to hear of, and sends it. */
export const avisos = defineService({
  name: 'avisos',
  port: 3004,
  env: {
    ...FOLLOW_ENV,
    ENTREGAS_URL: envUrl('http', 'https').describe('where entregas answers, whose events are told'),
    ENTREGAS_PARTICOES: envInteger({ min: 1, max: 1024 }).default(1).describe('partitions of its log'),
    AVISOS_LOOPBACK: envBoolean()
      .default(false)
      .describe('whether webhooks may go to this machine, over plain HTTP too: for development only'),
    AVISOS_ESPERAS: envList(envDurationMs())
      .optional()
      .describe('the wait before each attempt of a webhook, by commas; 0,30s,5m,30m,2h,8h,24h without'),
  },
  settings: (env): AvisosSettings => ({
    pedidos: logAddress(env, `${env.ENTREGAS_URL}/entregas`, env.ENTREGAS_PARTICOES),
    webhooks: { allowsLoopback: env.AVISOS_LOOPBACK, waitsMs: env.AVISOS_ESPERAS },
  }),
  /** Noting, taking, what came of it, repair beside them, and what Prometheus asks. */
  pool: { name: 'avisos', max: 4, settings: WRITE_SETTINGS },
  migrations: migrationsOf('avisos'),
  open: (ctx) => {
    const { sql, registry } = ctx
    const { pedidos, webhooks: options } = ctx.settings
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
    const webhooks = createWebhookStore({ sql, readPool })
    const parts = { ...ctx, webhooks, alvo: options, onDue: sender.wake }
    return {
      checks: [needsPostgres('avisos', sql, readPool)],
      followers: [follower],
      routes: [createWebhookRoutes(parts), createRetomarRoutes({ ...parts, resumes: createResumeStore(sql) })],
      workers: [{ ...sender, close: poster.close }],
    }
  },
})
