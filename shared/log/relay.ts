import type { Registry } from 'prom-client'
import { type Clock, systemClock } from '../clock.ts'
import type { Lease } from '../postgres/lease.ts'
import type { Sql } from '../postgres/sql.ts'
import { run, statement } from '../postgres/statement.ts'
import { loop } from '../resilience/loop.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { createAlarm } from '../wait.ts'
import { posicaoOf } from './event.ts'
import type { LogEntry, ReadPage } from './pages.ts'
import type { Publisher } from './publisher.ts'
import { decideResume } from './relay-machine.ts'
import { createRelayMetrics, type RelayMetrics } from './relay-metrics.ts'
import { tracedPublish } from './relay-trace.ts'

type RelayOptions = {
  /** The log, as the metrics call it. */
  name: string
  sql: Sql
  particoes: number
  readPage: ReadPage
  publisher: Publisher
  /** One lease for each partition. */
  lease: (particao: number) => Lease
  log: Logger
  registry: Registry
  tracing?: Tracing | undefined
  /** Entries read and published at once. */
  pageRowsMax?: number
  /** How long a commit by another instance may wait to be seen; our own commits `wake` the relay. */
  pollMs?: number
  clock?: Clock
}

export type Relay = {
  start: () => void
  /** Says that something was committed in a partition. A hint: polling is the guarantee. */
  wake: (particao: number) => void
  /** Partitions whose lease this instance holds. */
  holding: () => number[]
  stop: () => Promise<void>
}

const PAGE_ROWS_MAX = 1_000
/** One index probe each; well below the 500 ms that a balance may lag behind an entry of another instance. */
const POLL_MS = 50
/** Under load entries gather for a moment: fewer pages, 8 % more entries registered beside them in a trial. Fewer entries than that never wait. */
const BUSY_ROWS = 16
const GATHER_MS = 8
/** Entries the stream may hold before the relay waits for its readers: the log on disk is the buffer, not Redis. */
const STREAM_LENGTH_MAX = 1_000_000
/** The stream's length is asked for once in so many pages. */
const LENGTH_CHECK_PAGES = 64
/** The cursor row follows this far behind: Redis itself holds the exact point, a re-send is refused by its ids. */
const CURSOR_EVERY_MS = 1_000
/** How often a full stream is looked at again. */
const ROOM_CHECK_MS = 2_000
const SAYS = { failing: 'the relay could not publish; trying again', well: 'the relay publishes again' }

type Turn = { signal: AbortSignal; well: () => void }

/** Publishes a log to its streams: one publisher per partition at a time, in order, resuming where the last one ended. */
export const createRelay = (options: RelayOptions): Relay => {
  const { sql, particoes, readPage, publisher, log, registry, tracing, clock = systemClock } = options
  const { pageRowsMax = PAGE_ROWS_MAX, pollMs = POLL_MS } = options
  const metrics = createRelayMetrics({ name: options.name, sql, readPage, registry })
  const leases = Array.from({ length: particoes }, (_, particao) => options.lease(particao))
  const alarms = leases.map(() => createAlarm(clock))

  const publish = tracing === undefined ? publisher.publish : tracedPublish(tracing, publisher)
  const resume = createResume(options, metrics)

  const waitForRoom = async (particao: number, signal: AbortSignal): Promise<void> => {
    let told = false
    while ((await publisher.length(particao)) >= STREAM_LENGTH_MAX) {
      if (!told)
        log.warn(
          { particao, streamLengthMax: STREAM_LENGTH_MAX },
          'the stream is full; the relay waits for its readers',
        )
      told = true
      await clock.delay(ROOM_CHECK_MS, signal)
    }
  }

  const publishFrom = async (particao: number, from: number, { signal, well }: Turn): Promise<void> => {
    const saveCursor = createCursorWriter({ sql, clock, particao, from })
    let cursor = from
    let pages = 0
    while (!signal.aborted) {
      const entries = await readPage(particao, cursor, pageRowsMax)
      const last = entries.at(-1)
      if (last) {
        if (pages++ % LENGTH_CHECK_PAGES === 0) await waitForRoom(particao, signal)
        const { added, repeated } = await publish(particao, entries)
        cursor = last.posicao
        metrics.published.inc({ particao }, added)
        metrics.repeated.inc({ particao }, repeated)
        metrics.reached(particao, cursor)
      }
      await saveCursor(cursor, false)
      well()
      if (entries.length === pageRowsMax) continue
      if (entries.length >= BUSY_ROWS) await clock.delay(GATHER_MS, signal).catch(() => {})
      // A page that is not full ended at the head: what is committed since has rung the alarm.
      await alarms[particao]?.wait(pollMs, signal)
    }
    await saveCursor(cursor, true)
  }

  const serve = async (particao: number, signal: AbortSignal): Promise<void> => {
    metrics.lease.set({ particao }, 1)
    const turn = async (well: () => void) => publishFrom(particao, await resume(particao), { signal, well })
    await loop({ turn, signal, says: SAYS, about: { particao }, log, clock })
    metrics.lease.set({ particao }, 0)
  }

  return {
    start: () => {
      leases.forEach((lease, particao) => {
        metrics.lease.set({ particao }, 0)
        void lease.whileHeld((signal) => serve(particao, signal))
      })
    },
    wake: (particao) => alarms[particao]?.ring(),
    holding: () => leases.flatMap((lease, particao) => (lease.held() ? [particao] : [])),
    stop: async () => {
      await Promise.all(leases.map((lease) => lease.stop()))
    },
  }
}

const LOOK = statement(
  'relay.look',
  `select c.posicao::float8 as cursor, p.ultima::float8 as head
   from relay_cursor c join posicao p using (particao) where c.particao = $1`,
)
const RENEW_EPOCA = statement(
  'log.renew-epoch',
  'update log_estado set epoca = gen_random_uuid() where epoca = $1::text::uuid returning epoca::text as epoca',
)
export const SAVE_CURSOR = statement('relay.save-cursor', 'update relay_cursor set posicao = $1 where particao = $2')

/** Finds out where a partition's relay goes on, and drops a stream that another log has filled. */
const createResume = ({ sql, readPage, publisher, log }: RelayOptions, metrics: RelayMetrics) => {
  const look = async (particao: number): Promise<{ cursor: number; head: number }> => {
    const [row] = await run<{ cursor: number; head: number }>(sql, LOOK, [particao])
    if (!row) throw new Error(`partition ${particao} has no cursor: run \`npm run migrate\``)
    return row
  }
  return async (particao: number): Promise<number> => {
    // A former holder of the lease may still publish meanwhile. Read in this order, the cursor is never beyond the stream, nor the
    // stream beyond the head.
    const { cursor } = await look(particao)
    const tail = await publisher.tail(particao)
    const { head } = await look(particao)
    const [atTail] = tail && tail.posicao > 0 ? await readPage(particao, tail.posicao - 1, 1) : []
    const known = atTail && atTail.posicao === tail?.posicao ? eventId(atTail) : undefined
    const decision = decideResume({ cursor, head, tail, idAtTail: known })
    if (decision.outcome === 'redis-lost') {
      metrics.redisLosses.inc({ particao })
      log.warn({ particao, cursor, tail }, 'Redis has lost published entries; readers pull them')
    }
    if (decision.outcome === 'foreign-stream') {
      metrics.redisLosses.inc({ particao })
      log.error({ particao, head, tail }, 'the stream was filled from another log; dropping it')
      if (tail?.epoca !== undefined) await renewEpoca(sql, tail.epoca, log)
      await publisher.reset(particao)
    }
    return decision.from
  }
}

/**
 * Gives the log another epoch where it still has that of the events that were published and that it no longer holds: it was restored,
 * or failed over, to an older state, and hands out their positions again. Readers then refuse every new event and say so; by the
 * events' ids alone they would see it only in the batch that has their last one.
 */
const renewEpoca = async (sql: Sql, published: string, log: Logger): Promise<void> => {
  const [renewed] = await run<{ epoca: string }>(sql, RENEW_EPOCA, [published])
  if (renewed !== undefined)
    log.error({ published, ...renewed }, 'the log is older than what it published; its epoch is renewed')
}

const eventId = (entry: LogEntry): string | undefined => {
  const parsed: unknown = JSON.parse(entry.body)
  if (typeof parsed !== 'object' || parsed === null || !('id' in parsed) || !('sequence' in parsed)) return undefined
  if (posicaoOf({ sequence: String(parsed.sequence) }) !== entry.posicao) return undefined
  return String(parsed.id)
}

/** Writes the cursor row now and then; `force` writes what is left. Never moves it back. */
const createCursorWriter = ({ sql, clock, particao, from }: CursorWriterDeps) => {
  let saved = from
  let savedAt = Number.NEGATIVE_INFINITY
  return async (cursor: number, force: boolean): Promise<void> => {
    const now = clock.now()
    if (cursor === saved || (!force && now - savedAt < CURSOR_EVERY_MS)) return
    await run(sql, SAVE_CURSOR, [cursor, particao])
    saved = cursor
    savedAt = now
  }
}

type CursorWriterDeps = { sql: Sql; clock: Clock; particao: number; from: number }
