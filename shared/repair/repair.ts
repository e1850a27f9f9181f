import { type Clock, systemClock } from '../clock.ts'
import type { FeedClient, FeedEvento, FeedPage } from '../feed/client.ts'
import type { Watermark } from '../inbox/watermark.ts'
import type { Lease } from '../postgres/lease.ts'
import { loop } from '../resilience/loop.ts'
import type { Logger } from '../telemetry/logger.ts'
import { counter, gauge, type Registry } from '../telemetry/metrics.ts'
import { absentOf, decideRepair, divergenceOf, type PullRange } from './decide-repair.ts'

type RepairDeps = {
  /** The follower's name in the metrics, and the log's. */
  name: string
  of: string
  /** One instance repairs; the others stand by. */
  lease: Lease
  feed: FeedClient
  /** How far each partition is applied. */
  watermarks: () => Promise<Watermark[]>
  particoes: number
  /** Whether the stream can bring anything. */
  redisUp: () => boolean
  /** Applies events of the log just as those of the stream are applied. */
  apply: (particao: number, eventos: readonly FeedEvento[]) => Promise<void>
  /** Called with positions below the head that the log does not have. */
  absent: (particao: number, posicoes: readonly number[]) => Promise<void>
  /** Called with the reason where the log is another one than was followed; with `undefined` when it fits again. */
  divergence: (particao: number, reason: string | undefined) => Promise<void>
  graceMs?: number | undefined
  everyMs?: number | undefined
  headEveryMs?: number | undefined
  log: Logger
  registry: Registry
  clock?: Clock | undefined
}

export type Repair = {
  /** Begins in the background. */
  start(): void
  /** Ends after the pull in hand. */
  stop(): Promise<void>
}

/** Longer than any batch takes from commit to commit, and short enough for a repair within seconds. */
const GRACE_MS = 2_000
/** The pace of the only path while Redis is away: a quarter of a second behind, plus a pull. */
const EVERY_MS = 250
/** Finds a lost tail, and a log that was exchanged, within a second. */
const HEAD_EVERY_MS = 1_000
/** As many as a consumer's batch or two: the partition's lock is never held for long. */
const PAGE_MAX = 1_000
const SAYS = { failing: 'repair cannot go on for now', well: 'repair goes on' }

type PartitionState = {
  aplicadaAte: number
  stoppedSince: number | undefined
  head: number
  headSeenAt: number | undefined
}

/**
 * The pull path: what the stream does not bring is fetched from the ledger's feed and applied through the same inbox.
 *
 * Every `everyMs` it decides for each partition what is missing (`decideRepair`) and pulls that. While the feed is away it
 * is called less often, with one log line per change. Nothing here need be exact: the inbox dedupes.
 *
 * @example
 * const repair = createRepair({ name: 'avisos', of: 'pedidos', lease, feed, watermarks: inbox.watermarks, particoes: 1, … })
 * repair.start()
 */
export function createRepair(deps: RepairDeps): Repair {
  const { lease, everyMs = EVERY_MS, log, clock = systemClock } = deps
  showLease(deps)
  let running: Promise<void> | undefined

  const work = (signal: AbortSignal): Promise<void> => {
    const round = createRound(deps, signal)
    const turn = async (well: () => void): Promise<void> => {
      await round()
      well()
      await clock.delay(everyMs, signal)
    }
    return loop({ turn, signal, says: SAYS, log, clock })
  }
  return {
    start: () => {
      running ??= lease.whileHeld(work)
    },
    stop: async () => {
      await lease.stop()
      await running
    },
  }
}

type ShownLease = { repair: string; log: string; lease: Lease }

/** The leases of the repairs of a process by name and log: several share the metric of one registry. */
const leasesOf = new WeakMap<Registry, Map<string, ShownLease>>()

function showLease({ registry, name, of, lease }: RepairDeps): void {
  const [key, shown] = [`${name} ${of}`, { repair: name, log: of, lease }] as const
  const known = leasesOf.get(registry)
  if (known !== undefined) return void known.set(key, shown)
  const leases = new Map([[key, shown]])
  leasesOf.set(registry, leases)
  gauge(registry, {
    name: 'fluxo_repair_lease',
    help: '1 where this instance holds the lease of repair.',
    labelNames: ['repair', 'log'],
    collect() {
      for (const { repair, log, lease: one } of leases.values()) this.set({ repair, log }, one.held() ? 1 : 0)
    },
  })
}

/** One round over all partitions. What it remembers is forgotten with the lease: the next holder sees for itself. */
function createRound(deps: RepairDeps, signal: AbortSignal): () => Promise<void> {
  const { feed, redisUp, clock = systemClock } = deps
  const { graceMs = GRACE_MS, headEveryMs = HEAD_EVERY_MS } = deps
  const pulled = counter(deps.registry, {
    name: 'fluxo_repair_pulled_total',
    help: 'Events pulled from the feed, by why.',
    labelNames: ['motivo'],
  })
  const states = new Map<number, PartitionState>()

  /** Reads one page and compares it with what was applied; undefined where it is another log's. */
  const ask = async (watermark: Watermark, after: number, limit: number): Promise<FeedPage | undefined> => {
    const page = await feed.page({ particao: watermark.particao, after, limite: limit, signal })
    const reason = divergenceOf(watermark, page)
    await deps.divergence(watermark.particao, reason)
    return reason === undefined ? page : undefined
  }
  const seeHead = async (watermark: Watermark, state: PartitionState) => {
    const page = await ask(watermark, Math.max(0, watermark.ultimaPosicao - 1), 1)
    state.headSeenAt = clock.now()
    if (page !== undefined) state.head = page.ultima
  }
  const pull = async (watermark: Watermark, state: PartitionState, reason: string, { after, to }: PullRange) => {
    let last = after
    while (!signal.aborted && (to === undefined || last < to)) {
      const limit = Math.min(PAGE_MAX, (to ?? Number.MAX_SAFE_INTEGER) - last)
      // With the last known event before what is new: a log that was restored and has grown past it is told by its id.
      const overlap = last > 0 && last === watermark.ultimaPosicao ? 1 : 0
      const page = await ask(watermark, last - overlap, limit + overlap)
      if (page === undefined) return
      state.head = page.ultima
      state.headSeenAt = clock.now()
      const since = last
      const eventos = page.eventos.filter(({ posicao }) => posicao > since)
      const absent = absentOf(
        last,
        eventos.map(({ posicao }) => posicao),
      )
      if (absent.length > 0) await deps.absent(watermark.particao, absent)
      if (eventos.length > 0) await deps.apply(watermark.particao, eventos)
      pulled.inc({ motivo: reason }, eventos.length)
      last = eventos.at(-1)?.posicao ?? last
      if (eventos.length < limit) return
    }
  }
  return async () => {
    const now = clock.now()
    for (const watermark of await deps.watermarks()) {
      if (signal.aborted || watermark.particao >= deps.particoes) return
      if (watermark.divergente !== null) {
        await deps.divergence(watermark.particao, watermark.divergente)
        continue
      }
      const state = observe(states.get(watermark.particao), watermark, now)
      states.set(watermark.particao, state)
      const { aplicadaAte, holes } = watermark
      const { stoppedSince, headSeenAt } = state
      const situation = { now, redisUp: redisUp(), aplicadaAte, holes, stoppedSince, headSeenAt }
      const step = decideRepair({ ...situation, graceMs, headEveryMs })
      if (step.outcome === 'see-head') await seeHead(watermark, state)
      if (step.outcome === 'pull') for (const range of step.ranges) await pull(watermark, state, step.motivo, range)
    }
  }
}

/** Since when does the partition stand still with something missing? Any movement of the watermark starts the count anew. */
function observe(before: PartitionState | undefined, { aplicadaAte, holes }: Watermark, now: number): PartitionState {
  const { head = 0, headSeenAt } = before ?? {}
  const missing = holes.length > 0 || head > aplicadaAte
  const moved = before?.aplicadaAte !== aplicadaAte
  const since = moved ? now : (before?.stoppedSince ?? now)
  return { aplicadaAte, head, headSeenAt, stoppedSince: missing ? since : undefined }
}
