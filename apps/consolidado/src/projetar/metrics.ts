import type { Commit, CountEvents, FollowMetrics, ShownGroup } from '@fluxo/shared/follow/group'
import type { LetterCount } from '@fluxo/shared/follow/letter-store'
import { type GroupLag, groupLag } from '@fluxo/shared/stream/lag'
import { counter, gauge, histogram, type Registry } from '@fluxo/shared/telemetry/metrics'
import { createScrapeQuery } from '@fluxo/shared/telemetry/scrape-query'
import type { SignedLancamento } from './projetar.ts'

type PartitionLag = GroupLag & { particao: number }
type ParticaoValues = [particao: number, value: number][]

/**
 * How far the projection is and how far behind, looked at when Prometheus asks; what is away shows nothing.
 *
 * Marks, groups and letters are the database's and Redis' own, so every instance shows the same: take `max`.
 */
export const exportMetrics: FollowMetrics = (shown) => {
  const { registry, particoes, stops, watermarks, letters } = shown
  const lookAtWatermarks = createScrapeQuery(watermarks)
  const lookAtLags = createScrapeQuery(() => lagsOf(shown))
  const show = <T>(
    name: string,
    help: string,
    look: () => Promise<T[] | undefined>,
    values: (v: T[]) => ParticaoValues,
  ) =>
    gauge(registry, {
      name,
      help,
      labelNames: ['particao'],
      async collect() {
        const seen = await look()
        this.reset()
        for (const [particao, value] of values(seen ?? [])) this.set({ particao: String(particao) }, value)
      },
    })

  show('fluxo_inbox_aplicada_ate', 'Everything up to this position is applied.', lookAtWatermarks, (v) =>
    v.map((m) => [m.particao, m.aplicadaAte]),
  )
  show('fluxo_inbox_buracos', 'Positions missing below the highest one applied.', lookAtWatermarks, (v) =>
    v.map((m) => [m.particao, m.holes.reduce((sum, { from, to }) => sum + to - from + 1, 0)]),
  )
  show('fluxo_stream_lag', 'Entries not yet delivered to the group.', lookAtLags, (v) =>
    v.flatMap(({ particao, lag }): ParticaoValues => (lag === undefined ? [] : [[particao, lag]])),
  )
  show('fluxo_stream_pending', 'Entries delivered and not acked.', lookAtLags, (v) =>
    v.map(({ particao, pending }) => [particao, pending]),
  )
  show('fluxo_stream_oldest_pending_seconds', 'Age of the oldest unacked delivery.', lookAtLags, (v) =>
    v.map(({ particao, oldestPendingMs }) => [particao, oldestPendingMs / 1_000]),
  )
  show('fluxo_stream_consumers', 'Consumers that the group knows, dead ones too for a while.', lookAtLags, (v) =>
    v.map(({ particao, consumers }) => [particao, consumers]),
  )
  show('fluxo_stream_length', 'Entries that the stream holds.', lookAtLags, (v) =>
    v.map(({ particao, length }) => [particao, length]),
  )
  const all = Array.from({ length: particoes }, (_, particao) => particao)
  const stalled = async () => all.map((particao): ParticaoValues[number] => [particao, stops.has(particao) ? 1 : 0])
  show(
    'fluxo_inbox_epoca_divergente',
    '1 while a partition stands still because the log is another one: rebuild.',
    stalled,
    (v) => v,
  )
  exportLetters(registry, letters)
  return counts(registry)
}

const lagsOf = ({ redis, streamPrefix, group, particoes }: ShownGroup): Promise<PartitionLag[]> => {
  const lagOf = async (_: unknown, particao: number) => ({
    particao,
    ...(await groupLag(redis, streamPrefix, particao, group)),
  })
  return Promise.all(Array.from({ length: particoes }, lagOf))
}

/** What became of the events, in the words of the metric's labels. */
const OUTCOME_LABELS = { applied: 'novo', repeated: 'repetido', dropped: 'epoca-antiga', kept: 'morto' } as const

function counts(registry: Registry): CountEvents {
  const eventos = counter(registry, {
    name: 'fluxo_projecao_eventos_total',
    help: 'Events that arrived at the projection, by what became of them.',
    labelNames: ['origem', 'desfecho'],
  })
  const absent = counter(registry, {
    name: 'fluxo_repair_absent_total',
    help: 'Positions that the ledger does not have below its head: its counter was moved by hand.',
    labelNames: ['particao'],
  })
  // Zeros too: `rate` does not see the first event of a series that was not there.
  for (const source of ['stream', 'feed'])
    for (const desfecho of Object.values(OUTCOME_LABELS)) eventos.inc({ origem: source, desfecho }, 0)
  return (end, events, { particao, origin }) => {
    if (end === 'absent') absent.inc({ particao: String(particao) }, events)
    else eventos.inc({ origem: origin, desfecho: OUTCOME_LABELS[end] }, events)
  }
}

/** Seconds; a loaded system shows an entry within 50 ms, a pull within a few seconds, and a minute is an outage. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Makes the function that measures how long entries took from `POST` to being visible: from the event's time to now,
 * after the cache was written. For batches that brought something new: a batch that is merely delivered again was
 * visible before. The two clocks are of two machines, so what they disagree about is part of it, and never below zero.
 */
export function createVisibility(registry: Registry): (commit: Commit<SignedLancamento, unknown>) => void {
  const durations = histogram(registry, {
    name: 'fluxo_post_to_visible_seconds',
    help: 'From the registration of an entry to its balance being readable, by the path on which it came.',
    labelNames: ['origem'],
    buckets: BUCKETS,
  })
  for (const source of ['stream', 'feed']) durations.zero({ origem: source })
  return ({ origin: source, rows }) => {
    if (source === 'redrive') return
    const now = Date.now()
    for (const { registeredAt } of rows) {
      durations.observe({ origem: source }, Math.max(0, now - registeredAt) / 1_000)
    }
  }
}

/** Redriving is done by a command of its own, so the table is what knows. */
function exportLetters(registry: Registry, letters: () => Promise<LetterCount>): void {
  const look = createScrapeQuery(letters)
  gauge(registry, {
    name: 'fluxo_dead_letters_pending',
    help: 'Dead letters that wait for an operator.',
    async collect() {
      const counts = await look()
      if (counts === undefined) this.remove()
      else this.set(counts.pendentes)
    },
  })
  counter(registry, {
    name: 'fluxo_dead_letters_redriven_total',
    help: 'Dead letters that were applied after all.',
    async collect() {
      const counts = await look()
      if (counts === undefined) return
      this.reset()
      this.inc(counts.redirigidas)
    },
  })
}
