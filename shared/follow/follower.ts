import type { Clock } from '../clock.ts'
import { createInbox, type Posicionado } from '../inbox/inbox.ts'
import type { Effect, InboxTable } from '../inbox/statement.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Sql } from '../postgres/sql.ts'
import type { RedisConnections } from '../redis/connection.ts'
import type { FeedClient } from '../repair/feed-client.ts'
import { createRepair } from '../repair/repair.ts'
import { createConsumer } from '../stream/consumer.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter, type Registry } from '../telemetry/metrics.ts'
import { type Tracing, traceparentIn } from '../telemetry/tracing.ts'
import { startBatch } from '../telemetry/tracing-batch.ts'
import { efeitoDeGuardar, type Morta } from './dead-letters.ts'
import { exportFollowMetrics } from './metrics.ts'

/** An event as its follower reads it; `motivo` names what is wrong, never what was in it. */
export type Lido<Row> = { ok: true; epoca: string; row: Row } | { ok: false; motivo: string }

/** A row that can never be applied, and why. */
export type Recusado = { posicao: number; motivo: string }

export type FollowerOptions<Row extends Posicionado> = {
  /** The consumer group, and the name of this instance in it. */
  grupo: string
  instancia: string
  redis: RedisConnections
  /** The log's streams in Redis, and how many partitions it has. */
  streamPrefix: string
  particoes: number
  /** The log itself: what no stream brings is pulled from it. */
  feed: FeedClient
  /** The epoch of the log now. Rejects where the log is away. */
  epocaDoLog: (particao: number) => Promise<string>
  /** A pool for single statements, on the database of the inbox and `carta_morta`. */
  sql: Sql
  /** The group's own inbox, where its database has more than one; by default `inbox_particao`. */
  table?: InboxTable
  lease: Lease
  /** Reads one event, parsed from JSON. */
  ler: (posicao: number, evento: unknown) => Lido<Row>
  /** What is done with new rows, in the statement that notes them. */
  effect: Effect<Row, unknown>
  /**
   * What is done before the rows are noted, where that cannot be one statement with it. Must be idempotent: it happens
   * again for rows that were given before. Gives the rows that can never be applied; a rejection means "not now".
   */
  antes?: (particao: number, rows: readonly Row[]) => Promise<readonly Recusado[]>
  /** Hears that a partition has got new rows. */
  depois?: (particao: number) => void
  claimIdleMs?: number
  graceMs?: number
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  clock?: Clock | undefined
}

export type Follower = {
  /** Makes the partitions' rows. Call it before `start`. */
  prepare: () => Promise<void>
  start: () => void
  stop: () => Promise<void>
}

/** Nobody waits for a follower as for a balance, and each batch costs two round trips to Redis and one to PostgreSQL. */
const GATHER_MS = 25

type Chegado<Row> = { posicao: number; lido: Lido<Row>; body: () => string }
type Origem = 'stream' | 'feed'

/**
 * Follows a log: each event has its effect once, however often and by whichever way it comes.
 *
 * The stream is the fast way and the log the sure one. What a stream delivers may be damaged or a fake, so an entry that
 * cannot be read leaves a hole, and repair asks the log about it; only the log's own word makes a dead letter.
 */
export function createFollower<Row extends Posicionado>(options: FollowerOptions<Row>): Follower {
  const { sql, redis, particoes, grupo, log, registry, ler } = options
  const { effect, table, clock } = options
  const inbox = createInbox({ sql, effect, clock, ...(table && { table }) })
  exportFollowMetrics({ grupo, marcas: () => inbox.marcas(), sql, registry })
  const aplicar = rastreado(options, createAplicar(options, inbox))

  const consumers = Array.from({ length: particoes }, (_, particao) =>
    createConsumer({
      blocking: redis.blocking,
      redis: redis.commands,
      prefix: options.streamPrefix,
      particao,
      group: grupo,
      consumer: options.instancia,
      gatherMs: GATHER_MS,
      ...(options.claimIdleMs !== undefined && { claimIdleMs: options.claimIdleMs }),
      handle: (entries) => {
        const chegados = entries.map(({ posicao, body }) => ({
          posicao,
          lido: lerTexto(ler, posicao, body),
          body: () => body,
        }))
        return aplicar(particao, chegados, 'stream')
      },
      // What vanished from the stream is a hole of the inbox, and repair fills holes.
      onGap: () => {},
      log,
      registry,
      ...(clock && { clock }),
    }),
  )
  const repair = createRepair({
    name: grupo,
    lease: options.lease,
    feed: options.feed,
    marcas: () => inbox.marcas(),
    particoes,
    redisUp: () => redis.status() === 'up' && consumers.every((one) => one.state() !== 'sem-redis'),
    aplicar: (particao, eventos) => {
      const chegados = eventos.map(({ posicao, evento }) => ({
        posicao,
        lido: ler(posicao, evento),
        body: () => JSON.stringify(evento),
      }))
      return aplicar(particao, chegados, 'feed')
    },
    ausentes: async (particao, posicoes) => {
      log.error({ grupo, particao, primeira: posicoes[0], quantidade: posicoes.length }, 'the log lacks positions')
    },
    divergencia: async (particao, motivo) => {
      if (motivo === undefined) return
      if (motivo !== 'epoca-divergente') await inbox.stop(particao, motivo)
      log.error({ grupo, particao, motivo }, 'the log is another one than was followed: an operator has to look')
    },
    ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
    log,
    registry,
    ...(clock && { clock }),
  })
  return {
    prepare: () => inbox.prepare(particoes),
    start: () => {
      for (const consumer of consumers) consumer.start()
      repair.start()
    },
    stop: async () => {
      await Promise.all([...consumers.map((one) => one.stop()), repair.stop()])
    },
  }
}

function lerTexto<Row>(ler: FollowerOptions<Posicionado & Row>['ler'], posicao: number, body: string): Lido<Row> {
  try {
    return ler(posicao, JSON.parse(body))
  } catch {
    return { ok: false, motivo: 'not JSON' }
  }
}

type Aplicar<Row> = (particao: number, chegados: readonly Chegado<Row>[], origem: Origem) => Promise<void>

/** Applies as `aplicar` does, and shows it in the trace of every event that has one. */
function rastreado<Row extends Posicionado>(
  { tracing, grupo }: FollowerOptions<Row>,
  aplicar: Aplicar<Row>,
): Aplicar<Row> {
  if (tracing === undefined) return aplicar
  return async (particao, chegados, origem) => {
    const members = chegados.flatMap(({ posicao, body }) => {
      const traceparent = traceparentIn(body())
      return traceparent === undefined ? [] : [{ traceparent, attributes: { posicao } }]
    })
    const attributes = { grupo, origem, particao, 'messaging.batch.message_count': chegados.length }
    const trace = startBatch(tracing, `follow ${grupo}`, { kind: 'consumer', attributes, members })
    try {
      await aplicar(particao, chegados, origem)
      trace?.end()
    } catch (error) {
      trace?.end(error)
      throw error
    }
  }
}

/** Applies what arrived, epoch by epoch. Resolves when all of it is durable, kept as a dead letter, or left as a hole. */
function createAplicar<Row extends Posicionado>(
  options: FollowerOptions<Row>,
  inbox: ReturnType<typeof createInbox<Row, unknown>>,
) {
  const { grupo, epocaDoLog, antes, depois, log } = options
  const mortas = counter(options.registry, {
    name: 'fluxo_follow_unreadable_total',
    help: 'Events that could not be applied: from the stream (the log is asked instead) or from the log (dead letters).',
    labelNames: ['group', 'particao', 'origem'],
  })

  const enterrar = async (particao: number, rows: readonly Morta[], origem: Origem): Promise<void> => {
    if (rows.length === 0) return
    mortas.inc({ group: grupo, particao: String(particao), origem }, rows.length)
    for (const { posicao, motivo } of rows)
      log.error({ grupo, particao, posicao, motivo, origem }, 'an event cannot be applied')
    if (origem === 'feed') await inbox.pass({ particao, epoca: null, rows }, efeitoDeGuardar)
  }

  const aplicarEpoca = async (particao: number, epoca: string, rows: readonly Row[]): Promise<void> => {
    const aplicado = await inbox.apply({ particao, epoca, rows })
    if (aplicado.outcome === 'aplicado') {
      if (aplicado.novos > 0) depois?.(particao)
      return
    }
    if (aplicado.outcome === 'epoca-divergente' && (await epocaDoLog(particao)) === aplicado.epoca) {
      log.warn({ grupo, particao, epoca }, 'events of a log that is no more are dropped')
      return
    }
    throw new Error(`${grupo} stands still in partition ${particao}: ${aplicado.divergente ?? aplicado.outcome}`)
  }

  return async (particao: number, chegados: readonly Chegado<Row>[], origem: Origem): Promise<void> => {
    const porEpoca = new Map<string, Chegado<Row>[]>()
    const mortos: Morta[] = []
    for (const chegado of chegados) {
      const { posicao, lido, body } = chegado
      if (!lido.ok) mortos.push({ posicao, id: null, body: body(), motivo: lido.motivo })
      else {
        const desta = porEpoca.get(lido.epoca)
        if (desta === undefined) porEpoca.set(lido.epoca, [chegado])
        else desta.push(chegado)
      }
    }
    for (const [epoca, desta] of porEpoca) {
      const rows = desta.flatMap(({ lido }) => (lido.ok ? [lido.row] : []))
      const recusados = new Map((await antes?.(particao, rows))?.map((um) => [um.posicao, um.motivo]))
      for (const { posicao, body } of desta) {
        const motivo = recusados.get(posicao)
        if (motivo !== undefined) mortos.push({ posicao, id: null, body: body(), motivo })
      }
      const boas = rows.filter(({ posicao }) => !recusados.has(posicao))
      if (boas.length > 0) await aplicarEpoca(particao, epoca, boas)
    }
    await enterrar(particao, mortos, origem)
  }
}
