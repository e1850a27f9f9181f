import type { Registry } from 'prom-client'
import { counter, gauge } from '../telemetry/metrics.ts'

/** What a consumer counts. Labels are stream, partition and group, never a consumer's name: instances come and go. */
export type ConsumerMetrics = {
  delivered(entries: number): void
  acked(entries: number): void
  reclaimed(entries: number): void
  deletedWhilePending(entries: number): void
  groupRecreated(): void
  readError(): void
}

const LABELS = ['stream', 'particao', 'group'] as const

/** The counters `fluxo_stream_*` in `registry` for one partition's stream and group. */
export function consumerMetrics(
  registry: Registry,
  { prefix, particao, group }: { prefix: string; particao: number; group: string },
): ConsumerMetrics {
  const make = (name: string, help: string) =>
    counter(registry, { name, help, labelNames: LABELS }).labels({ stream: prefix, particao: String(particao), group })
  const delivered = make('fluxo_stream_delivered_total', 'Entries delivered to this process, re-reads included')
  const acked = make('fluxo_stream_acked_total', 'Entries acknowledged to Redis')
  const reclaimed = make('fluxo_stream_reclaimed_total', 'Entries taken over from consumers that left them pending')
  const deleted = make(
    'fluxo_stream_deleted_while_pending_total',
    'Entries gone from the stream before they were acked',
  )
  const recreated = make('fluxo_stream_group_recreated_total', 'Times the group was lost with its stream and made anew')
  const errors = make('fluxo_stream_read_errors_total', 'Sessions or reads that failed')
  return {
    delivered: (entries) => delivered.inc(entries),
    acked: (entries) => acked.inc(entries),
    reclaimed: (entries) => reclaimed.inc(entries),
    deletedWhilePending: (entries) => deleted.inc(entries),
    groupRecreated: () => recreated.inc(),
    readError: () => errors.inc(),
  }
}

/** What a consumer does, and how metrics and log lines call it. */
export const STATE_LABELS = { reading: 'lendo', paused: 'pausado', 'no-redis': 'sem-redis', stopped: 'parado' } as const
export type ConsumerState = keyof typeof STATE_LABELS

type Shown = { stream: string; particao: string; group: string; state: () => ConsumerState }

const shownIn = new WeakMap<Registry, Set<Shown>>()

/**
 * Shows how many consumers of this process are in which state; `sum` over the instances tells whether anybody reads.
 */
export function showState(
  registry: Registry,
  { prefix, particao, group }: { prefix: string; particao: number; group: string },
  state: () => ConsumerState,
): void {
  const shown = shownIn.get(registry) ?? register(registry)
  shown.add({ stream: prefix, particao: String(particao), group, state })
}

function register(registry: Registry): Set<Shown> {
  const consumers = new Set<Shown>()
  shownIn.set(registry, consumers)
  gauge(registry, {
    name: 'fluxo_stream_readers',
    help: 'Consumers of this process by what they do: lendo, pausado, sem-redis, parado.',
    labelNames: [...LABELS, 'estado'],
    collect() {
      this.reset()
      for (const { state, ...labels } of consumers) {
        // Zeros too: an alert cannot compare with a series that is not there.
        const now = STATE_LABELS[state()]
        for (const each of Object.values(STATE_LABELS)) this.inc({ ...labels, estado: each }, each === now ? 1 : 0)
      }
    },
  })
  return consumers
}
